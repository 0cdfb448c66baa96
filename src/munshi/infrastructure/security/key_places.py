"""Where a master key can be kept: the keyring of the system, a private file, the environment."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from munshi.errors import VaultKeyInvalidError, VaultKeyMissingError
from munshi.infrastructure.platform import is_private, write_private
from munshi.infrastructure.security.master_keys import (
    KeyRing,
    new_ring,
    ring_from_json,
    ring_from_text,
    ring_to_json,
)
from munshi.settings import KeySource

KEY_FILE = "vault.key"


class KeyPlace(Protocol):
    """One place."""

    @property
    def source(self) -> KeySource: ...

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    def read(self) -> KeyRing | None:
        """The ring, or None where there is none. Raises VaultKeyInvalidError."""
        ...

    def write(self, ring: KeyRing) -> None:
        """Keep `ring` and nothing else, whole or not at all."""
        ...


class KeyFile:
    """`vault.key` in the home folder: readable by its owner alone, or refused."""

    source = KeySource.FILE

    def __init__(self, home: Path) -> None:
        self.path = home / KEY_FILE

    @property
    def label(self) -> str:
        return str(self.path)

    def read(self) -> KeyRing | None:
        """Raises VaultKeyInvalidError if others may read the file or it is damaged."""
        if not self.path.exists():
            return None
        if not is_private(self.path):
            raise VaultKeyInvalidError(
                f"{self.path} can be read by others, so it is not used.",
                hint=f"chmod 600 {self.path}",
            )
        try:
            return ring_from_json(self.path.read_text("utf-8"))
        except ValueError:
            raise VaultKeyInvalidError(
                f"{self.path} is damaged.", hint="Restore it from your copy: munshi keys restore"
            ) from None

    def create(self) -> KeyRing:
        """Make a key once, however many processes start together."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            existing = self.read()
            if existing is not None:
                return existing
            ring = new_ring()
            write_private(self.path, ring_to_json(ring).encode())
            return ring

    def write(self, ring: KeyRing) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self.path, ring_to_json(ring).encode(), replace=True)


class SystemKeyring:
    """An entry for this home in the keyring of whoever runs Munshi."""

    source = KeySource.KEYRING

    def __init__(self, home: Path) -> None:
        self._home = home
        self._entry = f"master key of {home.resolve()}"

    @property
    def label(self) -> str:
        return "the system's keyring"

    def answers(self) -> bool:
        """Whether there is a keyring that keeps secrets."""
        try:
            self.read()
        except VaultKeyMissingError:
            return False
        return True

    def read(self) -> KeyRing | None:
        """Raises VaultKeyMissingError where no real keyring answers, VaultKeyInvalidError."""
        text = self._ask("read_entry", self._entry)
        if text is None:
            return None
        try:
            return ring_from_json(text)
        except ValueError:
            raise VaultKeyInvalidError(
                f"Munshi's entry in the system's keyring is damaged ({self._entry}).",
                hint="Restore it from your copy: munshi keys restore",
            ) from None

    def create(self) -> KeyRing:
        """Make a key once, however many processes of this home start together."""
        self._home.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._home / KEY_FILE}.lock"):
            existing = self.read()
            if existing is not None:
                return existing
            ring = new_ring()
            self.write(ring)
            return ring

    def write(self, ring: KeyRing) -> None:
        """Raises VaultKeyMissingError where no real keyring answers."""
        self._ask("write_entry", self._entry, ring_to_json(ring))

    def _ask(self, what: str, *words: str) -> Any:  # noqa: ANN401
        # Looking for keyrings costs more than all the rest of a start, so only who uses one pays.
        module = import_module("munshi.infrastructure.security.system_keyring")
        try:
            return getattr(module, what)(*words)
        except module.KeyringSilentError as error:
            raise VaultKeyMissingError(
                f"The system's keyring does not answer: {error}.",
                hint="Unlock it, or restore a copy: MUNSHI_KEY_SOURCE=file munshi keys restore "
                "FILE",
            ) from None


class EnvironmentKey:
    """MUNSHI_MASTER_KEY: read, never written."""

    source = KeySource.ENVIRONMENT
    label = "MUNSHI_MASTER_KEY"

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> KeyRing | None:
        return ring_from_text(self._text) if self._text else None

    def write(self, ring: KeyRing) -> None:
        """Raises VaultKeyInvalidError, always."""
        raise VaultKeyInvalidError(
            f"The master key stands in MUNSHI_MASTER_KEY, which no program can change; "
            f"key {ring.active} was not stored.",
            hint="See docs/how-to/keys.md, 'A key in the environment'.",
        )
