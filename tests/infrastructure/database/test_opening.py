"""Opening a database for work: the right revision, and the key that sealed what is in it."""

from pathlib import Path

import pytest
from sqlalchemy import text

from clocks import FakeClock
from munshi.errors import DatabaseStaleError, VaultKeyInvalidError
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.opening import check_revision, unlock
from munshi.infrastructure.security.vault import KEY_FILE, KeyFile, KeyRing, new_ring


def canaries(database: Database) -> list[str]:
    with database.reading() as tx:
        return sorted(tx.vault_keys.list_canaries())


def store_secret(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        tx.config.set_config(
            "auth", "kite.password", "hush", is_secret=True, updated_by="asha", now=clock.now()
        )


def read_secret(database: Database) -> object:
    with database.reading() as tx:
        entry = tx.config.get_config("auth", "kite.password")
    return None if entry is None else entry.value


def test_a_database_of_the_right_revision_passes(database: Database) -> None:
    check_revision(database)


@pytest.mark.parametrize("revision", migrate.revisions()[:-1])
def test_a_stale_database_is_refused_with_the_command(database: Database, revision: str) -> None:
    migrate.downgrade(database, revision)

    with pytest.raises(DatabaseStaleError, match=f"is at revision {revision}") as refusal:
        check_revision(database)

    assert HEAD in refusal.value.detail
    assert refusal.value.hint == "Run: munshi db upgrade"


def test_a_database_of_a_later_version_is_refused_and_not_touched(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE munshi_revision SET version_num = '2031_01_01_moon'"))

    for refused in (check_revision, migrate.upgrade):
        with pytest.raises(DatabaseStaleError, match=r"2031_01_01_moon.*does not know") as refusal:
            refused(database)
        assert "upgrade" not in str(refusal.value.hint).split()


def test_the_first_opening_makes_a_key_and_leaves_its_canary(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    vault = unlock(database, KeyFile(tmp_path), given=None, now=clock.now())

    assert (tmp_path / KEY_FILE).exists()
    assert canaries(database) == [vault.key_id]


def test_a_later_opening_reads_what_the_first_one_sealed(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, KeyFile(tmp_path), given=None, now=clock.now())
    store_secret(database, clock)

    unlock(database, KeyFile(tmp_path), given=None, now=clock.now())

    assert read_secret(database) == "hush"
    assert len(canaries(database)) == 1


def test_a_wrong_key_under_the_right_name_is_noticed_before_anything_is_written(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    vault = unlock(database, KeyFile(tmp_path), given=None, now=clock.now())
    impostor = KeyRing(active=vault.key_id, keys={vault.key_id: b"x" * 32})

    with pytest.raises(VaultKeyInvalidError, match=vault.key_id):
        unlock(database, KeyFile(tmp_path), given=impostor, now=clock.now())

    assert canaries(database) == [vault.key_id]


def test_another_key_than_the_one_that_sealed_is_refused(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    vault = unlock(database, KeyFile(tmp_path), given=None, now=clock.now())

    with pytest.raises(VaultKeyInvalidError, match=vault.key_id):
        unlock(database, KeyFile(tmp_path), given=new_ring(), now=clock.now())

    assert canaries(database) == [vault.key_id]


def test_a_lost_key_file_is_not_replaced_by_a_new_one(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    vault = unlock(database, KeyFile(tmp_path), given=None, now=clock.now())
    (tmp_path / KEY_FILE).unlink()

    with pytest.raises(VaultKeyInvalidError, match=f"missing.*{vault.key_id}"):
        unlock(database, KeyFile(tmp_path), given=None, now=clock.now())

    assert not (tmp_path / KEY_FILE).exists()


def test_a_key_from_outside_is_used_and_no_file_is_made(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    given = new_ring()

    vault = unlock(database, KeyFile(tmp_path), given=given, now=clock.now())

    assert vault.key_id == given.active
    assert not (tmp_path / KEY_FILE).exists()
