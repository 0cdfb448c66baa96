"""Unit files on disk: each carries a mark of its text, so that edits by hand are never lost."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from munshi.errors import ServiceUnitEditedError, ServiceUnitUnwritableError

_MARK = "# Written by munshi service install; a change by hand is noticed. Text "
SYSTEM_FOLDER = Path("/etc/systemd/system")


class UnitState(StrEnum):
    """How a unit file stands to what we wrote."""

    ABSENT = "absent"
    OURS = "ours"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class UnitFiles:
    """The folder that systemd reads units from."""

    folder: Path

    @classmethod
    def of(cls, *, system: bool) -> "UnitFiles":
        if system:
            return cls(SYSTEM_FOLDER)
        configured = os.environ.get("XDG_CONFIG_HOME")
        base = Path(configured) if configured else Path.home() / ".config"
        return cls(base / "systemd" / "user")

    def state(self, name: str) -> UnitState:
        """What cannot be read is taken for edited."""
        path = self.folder / name
        try:
            text = path.read_text("utf-8") if path.exists() else None
        except (OSError, UnicodeDecodeError):
            return UnitState.EDITED
        if text is None:
            return UnitState.ABSENT
        head, _, rest = text.partition("\n")
        return UnitState.OURS if head == _mark(rest) else UnitState.EDITED

    def list_ours(self, name: str) -> list[str]:
        """The files of the service `name` that are there, edited or not."""
        candidates = (f"{name}.service", f"{name}-worker@.service")
        return [each for each in candidates if self.state(each) is not UnitState.ABSENT]

    def write(self, units: Mapping[str, str], *, force: bool) -> list[Path]:
        """Write all of them, or none if one was edited and `force` is not given.

        Raises ServiceUnitEditedError, ServiceUnitUnwritableError.
        """
        self.refuse_edited(list(units), force=force)
        written: list[Path] = []
        for name, text in units.items():
            path = self.folder / name
            draft = path.with_name(f".{name}.{os.getpid()}.tmp")
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                draft.write_text(f"{_mark(text)}\n{text}", "utf-8")
                draft.chmod(0o644)
                draft.replace(path)
            except OSError as error:
                raise _unwritable(path, error) from None
            finally:
                if draft.exists():
                    draft.unlink()
            written.append(path)
        return written

    def remove(self, names: list[str], *, force: bool) -> None:
        """Raises ServiceUnitEditedError unless `force`, ServiceUnitUnwritableError."""
        self.refuse_edited(names, force=force)
        for name in names:
            path = self.folder / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise _unwritable(path, error) from None

    def refuse_edited(self, names: list[str], *, force: bool) -> None:
        """Raises ServiceUnitEditedError unless `force`."""
        edited = [name for name in names if self.state(name) is UnitState.EDITED]
        if edited and not force:
            raise ServiceUnitEditedError(
                f"{self.folder / edited[0]} was changed by hand; nothing was touched.",
                hint=f"Keep your changes apart (systemctl edit {edited[0]}), then repeat with "
                "--force.",
            )


def _mark(text: str) -> str:
    return f"{_MARK}{sha256(text.encode()).hexdigest()[:16]}."


def _unwritable(path: Path, error: OSError) -> ServiceUnitUnwritableError:
    return ServiceUnitUnwritableError(
        f"{path} cannot be written: {error.strerror}.",
        hint="System units need root; see the text with --print.",
    )
