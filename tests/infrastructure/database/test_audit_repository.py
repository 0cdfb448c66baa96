"""AuditRepository and the table behind it: rows prove themselves, and nobody changes them."""

import hashlib
import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from clocks import FakeClock
from munshi.domain.audit import Actor, commitment
from munshi.infrastructure.database.audit_queries import AuditFilter
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha", request_id="r-1", ip_address="203.0.113.7")


def log(database: Database, clock: FakeClock, **values: Any) -> int:  # noqa: ANN401
    with database.transaction() as tx:
        return tx.audit.log("job", "created", actor=ASHA, now=clock.now(), **values)


def stored(database: Database, audit_id: int) -> dict[str, Any]:
    with database.reading() as tx:
        row = tx.connection.execute(
            text('SELECT * FROM "AuditLogs" WHERE id = :id'), {"id": audit_id}
        ).mappings()
        return dict(row.one())


def test_the_stored_bytes_hash_to_the_stored_leaf(database: Database, clock: FakeClock) -> None:
    row = stored(database, log(database, clock, entity_id="1", new_value={"a": [1, "é"]}))

    expected = hashlib.sha256(b"\x00" + bytes(row["canonical"])).digest()

    assert bytes(row["leaf"]) == expected


def test_the_stored_bytes_say_what_the_columns_say(database: Database, clock: FakeClock) -> None:
    audit_id = log(
        database,
        clock,
        entity_id="1",
        old_value={"keep": 7},
        new_value={"keep": 14},
        details={"at": clock.now(), "why": "asked"},
    )
    row = stored(database, audit_id)
    with database.reading() as tx:
        (entry,) = tx.audit.get_logs_by_entity("job", "1")

    said = json.loads(bytes(row["canonical"]))

    for name in ("entity_type", "entity_id", "action", "old_value", "new_value", "user_id"):
        assert said[name] == getattr(entry, name), name
    assert said["details"] == entry.details
    assert said["request_id"] == "r-1"
    assert datetime.fromisoformat(said["timestamp"]) == entry.timestamp == clock.now()
    assert said["version"] == row["format_version"] == 2


def test_two_equal_changes_at_one_instant_are_two_leaves(
    database: Database, clock: FakeClock
) -> None:
    leaves = {bytes(stored(database, log(database, clock))["leaf"]) for _ in range(2)}

    assert len(leaves) == 2


def test_personal_values_stand_beside_the_row_and_the_row_commits_to_them(
    database: Database, clock: FakeClock
) -> None:
    audit_id = log(database, clock, personal={"user_name": "Asha Rao"})
    row = stored(database, audit_id)
    with database.reading() as tx:
        kept = tx.audit.get_personal_data(audit_id)
        salts = tx.connection.execute(text('SELECT field, salt FROM "AuditPersonalData"')).all()

    said = json.loads(bytes(row["canonical"]))["personal"]

    assert kept == {"user_name": "Asha Rao", "ip_address": "203.0.113.7"}
    assert said == {
        field: commitment(field, kept[field], salt=bytes(salt)) for field, salt in salts
    }
    assert b"Asha" not in bytes(row["canonical"])
    assert b"203.0.113" not in bytes(row["canonical"])
    assert len({bytes(salt) for _, salt in salts}) == 2


def test_personal_values_can_be_erased_and_the_row_stays_as_it_was(
    database: Database, clock: FakeClock
) -> None:
    audit_id = log(database, clock, personal={"user_name": "Asha Rao"})
    before = stored(database, audit_id)

    with database.transaction() as tx:
        tx.connection.execute(text('DELETE FROM "AuditPersonalData"'))

    assert stored(database, audit_id) == before


def test_positions_only_grow(database: Database, clock: FakeClock) -> None:
    first, second = log(database, clock), log(database, clock)

    assert second > first


def test_a_row_that_is_rolled_back_was_never_there(database: Database, clock: FakeClock) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            tx.audit.log("job", "created", entity_id="1", actor=ASHA, now=clock.now())
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    with database.reading() as tx:
        assert tx.audit.get_logs_by_entity("job", "1") == []


def test_a_float_is_refused_for_it_has_no_one_spelling(
    database: Database, clock: FakeClock
) -> None:
    with pytest.raises(TypeError, match="float"):
        log(database, clock, new_value={"price": 1.5})


def test_rows_are_listed_newest_first_within_the_filter(
    database: Database, clock: FakeClock
) -> None:
    for number in range(4):
        log(database, clock, entity_id=str(number))
        clock.advance(timedelta(minutes=1))
    chosen = AuditFilter(
        user_id="asha",
        action="created",
        since=clock.now() - timedelta(minutes=3),
        until=clock.now() - timedelta(minutes=1),
    )

    with database.reading() as tx:
        found = tx.audit.list_logs(chosen, limit=9)

    assert [entry.entity_id for entry in found] == ["2", "1"]


FORBIDDEN = {
    "update": "UPDATE \"AuditLogs\" SET user_id = 'nobody'",
    "update of nothing": 'UPDATE "AuditLogs" SET user_id = user_id',
    "delete": 'DELETE FROM "AuditLogs"',
}
SAME_LEAF = (
    'INSERT INTO "AuditLogs" (format_version, entity_type, action, "timestamp", user_id, '
    "canonical, leaf) SELECT format_version, entity_type, 'forged', \"timestamp\", user_id, "
    'canonical, leaf FROM "AuditLogs"'
)


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_row_cannot_be_changed_or_removed(
    database: Database, clock: FakeClock, statement: str
) -> None:
    audit_id = log(database, clock, entity_id="1")
    before = stored(database, audit_id)

    with pytest.raises(DatabaseError, match="append-only"), database.transaction() as tx:
        tx.connection.execute(text(statement))

    assert stored(database, audit_id) == before


def test_a_second_row_with_the_same_leaf_is_refused(database: Database, clock: FakeClock) -> None:
    log(database, clock)

    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.connection.execute(text(SAME_LEAF))


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ('TRUNCATE "AuditLogs"', "append-only"),
        ('TRUNCATE "AuditLogs", "AuditPersonalData"', "append-only"),
        ('TRUNCATE "AuditLogs" CASCADE', "append-only"),
    ],
)
def test_postgresql_does_not_empty_the_table(
    postgresql_database: Database, clock: FakeClock, statement: str, refusal: str
) -> None:
    audit_id = log(postgresql_database, clock)
    before = stored(postgresql_database, audit_id)

    with (
        pytest.raises(DatabaseError, match=refusal),
        postgresql_database.transaction() as tx,
    ):
        tx.connection.execute(text(statement))

    assert stored(postgresql_database, audit_id) == before


def test_postgresql_knows_the_transaction_of_each_row(
    postgresql_database: Database, clock: FakeClock
) -> None:
    with postgresql_database.transaction() as tx:
        for _ in range(2):
            tx.audit.log("job", "created", actor=ASHA, now=clock.now())
    log(postgresql_database, clock)

    with postgresql_database.reading() as tx:
        ids = tx.connection.execute(
            text('SELECT transaction_id::text FROM "AuditLogs" ORDER BY id')
        ).scalars()
        one, same, other = ids

    assert one == same
    assert int(other) > int(one)


COLUMNS = 'format_version, entity_type, action, "timestamp", user_id, canonical, leaf'
VALUES = "1, 'job', 'forged', '2026-01-01T00:00:00.000000Z', 'nobody', x'00'"
STRANGERS = {
    "replace by id": f"INSERT OR REPLACE INTO AuditLogs (id, {COLUMNS}) "
    f"VALUES (1, {VALUES}, zeroblob(32))",
    "replace by leaf": f"REPLACE INTO AuditLogs ({COLUMNS}) SELECT {VALUES}, leaf FROM AuditLogs",
    "upsert": f"INSERT INTO AuditLogs (id, {COLUMNS}) VALUES (1, {VALUES}, zeroblob(32)) "
    "ON CONFLICT (id) DO UPDATE SET action = 'forged'",
    "update or replace": "UPDATE OR REPLACE AuditLogs SET action = 'forged'",
    "delete": "DELETE FROM AuditLogs",
}


@pytest.mark.parametrize("statement", STRANGERS.values(), ids=STRANGERS)
def test_sqlite_refuses_a_stranger_who_set_no_pragma(
    sqlite_database: Database, clock: FakeClock, statement: str
) -> None:
    log(sqlite_database, clock, entity_id="1")
    before = stored(sqlite_database, 1)
    stranger = sqlite3.connect(str(sqlite_database.url.database))

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute(statement)
    stranger.close()

    assert stored(sqlite_database, 1) == before


def test_sqlite_never_hands_out_a_position_again(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    log(sqlite_database, clock)
    last = log(sqlite_database, clock)
    vandal = sqlite3.connect(tmp_path / "munshi.db")
    vandal.execute("DROP TRIGGER tr_AuditLogs_no_delete")
    vandal.execute("DELETE FROM AuditLogs WHERE id = ?", (last,))
    vandal.commit()
    vandal.close()

    assert log(sqlite_database, clock) == last + 1


def test_postgresql_tells_a_stranger_the_same(
    postgresql_url: str, postgresql_database: Database, clock: FakeClock
) -> None:
    log(postgresql_database, clock)

    with (
        psycopg.connect(postgresql_url) as stranger,
        pytest.raises(psycopg.IntegrityError, match="append-only"),
    ):
        stranger.execute('DELETE FROM "AuditLogs"')
