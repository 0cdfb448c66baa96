"""The keyring of the system: used where a real one answers, and then never left by itself."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailingKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked

from munshi.errors import VaultKeyConflictError, VaultKeyInvalidError, VaultKeyMissingError
from munshi.infrastructure.security.key_places import KeyFile, SystemKeyring
from munshi.infrastructure.security.key_sources import KeySources
from munshi.infrastructure.security.master_keys import new_ring
from munshi.settings import KeySource


class DrawerKeyring(KeyringBackend):
    """A keyring as the operating system has one, in memory; it can be locked."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked
        self.entries[(service, username)] = password


@pytest.fixture
def drawer() -> Iterator[DrawerKeyring]:
    before, used = keyring.get_keyring(), DrawerKeyring()
    keyring.set_keyring(used)
    yield used
    keyring.set_keyring(before)


def sources(home: Path, chosen: KeySource = KeySource.AUTO) -> KeySources:
    return KeySources(home, chosen=chosen, given="")


def test_a_new_desk_keeps_its_key_in_a_keyring_that_answers(
    drawer: DrawerKeyring, tmp_path: Path
) -> None:
    found = sources(tmp_path).open(None, source=None)

    again = sources(tmp_path).open(found.ring.active, source="keyring")
    assert found.place.source is KeySource.KEYRING
    assert again.ring == found.ring
    assert len(drawer.entries) == 1
    assert not (tmp_path / "vault.key").exists()


def test_homes_have_entries_of_their_own(drawer: DrawerKeyring, tmp_path: Path) -> None:
    for home in (tmp_path / "a", tmp_path / "b"):
        sources(home).open(None, source=None)

    assert len(drawer.entries) == 2


@pytest.mark.parametrize("backend", [FailingKeyring, NullKeyring])
def test_a_stand_in_is_no_keyring(
    drawer: DrawerKeyring, tmp_path: Path, backend: type[KeyringBackend]
) -> None:
    keyring.set_keyring(backend())

    found = sources(tmp_path).open(None, source=None)

    assert found.place.source is KeySource.FILE
    assert drawer.entries == {}


def test_a_locked_keyring_is_an_error_with_the_way_out_and_no_new_key(
    drawer: DrawerKeyring, tmp_path: Path
) -> None:
    found = sources(tmp_path).open(None, source=None)
    drawer.locked = True

    with pytest.raises(VaultKeyMissingError, match="KeyringLocked") as refusal:
        sources(tmp_path).open(found.ring.active, source="keyring")

    assert "munshi keys restore" in str(refusal.value.hint)
    assert not (tmp_path / "vault.key").exists()


def test_an_entry_that_is_gone_is_not_made_anew(drawer: DrawerKeyring, tmp_path: Path) -> None:
    found = sources(tmp_path).open(None, source=None)
    drawer.entries.clear()

    with pytest.raises(VaultKeyMissingError, match="missing"):
        sources(tmp_path).open(found.ring.active, source="keyring")

    assert drawer.entries == {}


@pytest.mark.usefixtures("drawer")
def test_keyring_and_file_with_different_keys_are_told_apart(tmp_path: Path) -> None:
    found = sources(tmp_path).open(None, source=None)
    KeyFile(tmp_path).write(new_ring())

    with pytest.raises(VaultKeyConflictError, match="different master keys") as refusal:
        sources(tmp_path).open(found.ring.active, source="keyring")

    assert "MUNSHI_KEY_SOURCE=keyring" in str(refusal.value.hint)


@pytest.mark.usefixtures("drawer")
def test_a_key_file_that_is_there_wins_over_an_empty_keyring(tmp_path: Path) -> None:
    ring = KeyFile(tmp_path).create()

    assert sources(tmp_path).open(None, source=None).ring == ring


def test_a_damaged_entry_is_one_sentence(drawer: DrawerKeyring, tmp_path: Path) -> None:
    SystemKeyring(tmp_path).write(new_ring())
    drawer.entries = dict.fromkeys(drawer.entries, "hush")

    with pytest.raises(VaultKeyInvalidError, match="is damaged") as refusal:
        SystemKeyring(tmp_path).read()

    assert "hush" not in str(refusal.value)
