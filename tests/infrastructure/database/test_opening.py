"""Opening a database for work: the right revision, and the key that sealed what is in it."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text

from clocks import FakeClock
from munshi.errors import (
    DatabaseStaleError,
    VaultKeyConflictError,
    VaultKeyInvalidError,
    VaultKeyMissingError,
)
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.migrations import HEAD
from munshi.infrastructure.database.models import metadata, vault_keys
from munshi.infrastructure.database.opening import check_revision, unlock
from munshi.infrastructure.security.key_places import KEY_FILE, KeyFile
from munshi.infrastructure.security.key_sources import KeySources
from munshi.infrastructure.security.master_keys import KeyRing, make_canary, new_ring
from munshi.infrastructure.security.purposes import Purpose
from munshi.settings import KeySource
from sealed_values import seal_as_format_1


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


def sources(home: Path, chosen: KeySource = KeySource.AUTO, *, given: str = "") -> KeySources:
    return KeySources(home, chosen=chosen, given=given)


def as_text(ring: KeyRing) -> str:
    return f"{ring.active}:{base64.b64encode(ring.keys[ring.active]).decode()}"


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def test_the_first_opening_makes_a_key_and_leaves_its_canary(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, sources(tmp_path), clock=clock)

    ring = KeyFile(tmp_path).read()
    with database.reading() as tx:
        master = tx.vault_keys.get_master()
    assert ring is not None
    assert master is not None
    assert (master.key_id, master.source) == (ring.active, "file")


def test_a_later_opening_reads_what_the_first_one_sealed_and_writes_nothing(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, sources(tmp_path), clock=clock)
    store_secret(database, clock)
    before = everything(database)

    unlock(database, sources(tmp_path), clock=clock)

    assert read_secret(database) == "hush"
    assert everything(database) == before


def test_a_wrong_key_is_noticed_before_anything_is_written(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, sources(tmp_path), clock=clock)
    ring = KeyFile(tmp_path).read()
    assert ring is not None
    before = everything(database)

    for wrong in (KeyRing(ring.active, {ring.active: b"x" * 32}), new_ring()):
        KeyFile(tmp_path).write(wrong)
        with pytest.raises(VaultKeyInvalidError, match=rf"{ring.active}.*another one"):
            unlock(database, sources(tmp_path), clock=clock)

    assert everything(database) == before


def test_a_lost_key_file_is_not_replaced_by_a_new_one(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, sources(tmp_path), clock=clock)
    (tmp_path / KEY_FILE).unlink()
    before = everything(database)

    with pytest.raises(VaultKeyMissingError, match="missing") as refusal:
        unlock(database, sources(tmp_path), clock=clock)

    assert "munshi keys restore" in str(refusal.value.hint)
    assert not (tmp_path / KEY_FILE).exists()
    assert everything(database) == before


def test_a_key_from_outside_is_used_and_no_file_is_made(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    given = new_ring()

    unlock(database, sources(tmp_path, given=as_text(given)), clock=clock)

    with database.reading() as tx:
        master = tx.vault_keys.get_master()
    assert master is not None
    assert (master.key_id, master.source) == (given.active, "environment")
    assert not (tmp_path / KEY_FILE).exists()


def test_environment_and_file_with_different_keys_are_told_apart_by_name(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, sources(tmp_path), clock=clock)
    before = everything(database)
    stranger = as_text(new_ring())

    with pytest.raises(VaultKeyConflictError, match=r"MUNSHI_MASTER_KEY and .* different") as said:
        unlock(database, sources(tmp_path, given=stranger), clock=clock)

    assert "MUNSHI_KEY_SOURCE=file" in str(said.value.hint)
    assert everything(database) == before
    unlock(database, sources(tmp_path, KeySource.FILE, given=stranger), clock=clock)


def test_a_database_whose_key_was_in_the_keyring_never_falls_back_to_a_file(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    unlock(database, sources(tmp_path), clock=clock)
    with database.transaction() as tx:
        tx.vault_keys.save_source(KeySource.KEYRING)
    before = everything(database)

    with pytest.raises(VaultKeyMissingError, match="keyring does not answer") as refusal:
        unlock(database, sources(tmp_path), clock=clock)

    assert "munshi keys restore" in str(refusal.value.hint)
    assert everything(database) == before
    unlock(database, sources(tmp_path, KeySource.FILE), clock=clock)


def test_a_database_of_before_data_keys_opens_its_secrets_and_remembers_the_place(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    ring = KeyFile(tmp_path).create()
    row_id = uuid4()
    place = {"table": "SystemConfigurations", "column": "secret_value"}
    with database.transaction() as tx:
        tx.connection.execute(
            insert(vault_keys).values(
                key_id=ring.active,
                canary=make_canary(ring, ring.active),
                is_active=True,
                created_at=clock.now(),
            )
        )
    old = seal_as_format_1(ring, "hush", row_id=row_id, **place)

    vault = unlock(database, sources(tmp_path), clock=clock)

    with database.reading() as tx:
        master = tx.vault_keys.get_master()
    assert vault.unseal(old, row_id=row_id, **place) == "hush"
    assert master is not None
    assert master.source == "file"
    again = unlock(database, sources(tmp_path), clock=clock)
    assert again.unseal(old, row_id=row_id, **place) == "hush"


def test_processes_that_open_a_new_database_together_agree_on_its_keys(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    def open_it(_: int) -> str:
        mine = Database(database.url)
        try:
            vault = unlock(mine, sources(tmp_path), clock=clock)
            with mine.transaction() as tx:
                tx.vault.sealing_key(Purpose.CONFIGURATION)
            return vault.sealing_key(Purpose.TICKETS)
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        ticket_keys = set(pool.map(open_it, range(4)))

    with database.reading() as tx:
        keys = tx.vault_keys.list_wrapped()
    assert len(ticket_keys) == 1
    assert sorted(key.purpose for key in keys) == ["configuration", "tickets"]


def test_hosts_with_keys_of_their_own_do_not_both_seal_a_new_database(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    def open_it(name: str) -> bool:
        mine = Database(database.url)
        try:
            unlock(mine, sources(tmp_path / name), clock=clock)
        except VaultKeyInvalidError:
            return False
        except VaultKeyMissingError:
            return False
        finally:
            mine.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_it, ["a", "b", "c", "d"]))

    assert opened.count(True) == 1
