"""A copied desk is the same desk: every row, every secret, and a trail that goes on."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from caches import WORDS
from crowd import OWNER
from desks import Desk, open_desk
from keeping.full_desk import CHANGED, copy_to, opened, rows_of
from keeping.kept_desk import seal_everything
from munshi.infrastructure.database.audit_queries import AuditFilter
from munshi.infrastructure.database.copied_rows import copied_tables
from munshi.infrastructure.database.copy_source import counted_tables
from munshi.infrastructure.database.models import metadata, system_health
from munshi.infrastructure.database.models.cache_entries import REMADE, cache_entries, cache_state
from munshi.settings import Settings
from sealed_values import sealed_values

HomeSettings = Callable[[str], Settings]


def test_every_row_is_the_same_in_the_copy(full_desk: Desk, new_url: str) -> None:
    source = full_desk.services.database

    copied = copy_to(full_desk.services, new_url)

    with opened(new_url) as target:
        for table in copied_tables():
            before, after = rows_of(source, table), rows_of(target, table)
            assert before, f"{table.name} is empty: fill it in tests/keeping/full_desk.py"
            if table.name in CHANGED:
                assert len(before) == copied.tables[table.name]
            if table.name == "AuditSealer":
                continue
            if table.name in CHANGED:  # what came after the copy stands behind it
                assert len(after) <= len(before) + 1
                after = after[: len(before)]
            assert after == before, table.name


def test_no_table_is_left_out_but_those_of_cached_answers() -> None:
    left_out = metadata.tables.keys() - {table.name for table in copied_tables()}
    assert left_out == {table.name for table in REMADE}
    assert "CacheUse" not in left_out


def test_a_copys_cache_begins_empty_and_works(
    full_desk: Desk, new_url: str, home_settings: HomeSettings
) -> None:
    """Although the copying changed every table its answers depend on."""
    full_desk.services.cache.open(WORDS).set("rice", ["old desk"])

    copy_to(full_desk.services, new_url)

    with opened(new_url) as target:
        assert rows_of(target, cache_entries) == []
        assert rows_of(target, cache_state) == [(1, 0, 0)]
    with open_desk(home_settings(new_url), full_desk.simulator) as copy:
        shelf = copy.services.cache.open(WORDS)
        assert shelf.get("rice") is None
        shelf.set("rice", ["copy"])
        assert shelf.get("rice") == ["copy"]
    assert full_desk.services.cache.open(WORDS).get("rice") == ["old desk"]


def test_secrets_and_people_are_known_in_the_copy(
    full_desk: Desk, new_url: str, home_settings: HomeSettings
) -> None:
    seal_everything(full_desk.services)  # makes the key that signs
    before = sealed_values(full_desk.services)

    copy_to(full_desk.services, new_url)

    with open_desk(home_settings(new_url), full_desk.simulator) as copy:
        assert sealed_values(copy.services) == before
        assert "the secret of asha" in before
        assert copy.services.config.secret("auth", "kite.api_secret") == "the secret of asha"
        assert copy.services.config.value("jobs", "keep_days") == 9
        assert [user.username for user in copy.services.people.users.list_users()].count("asha")
        assert all(status.authenticated for status in copy.services.logins.status())
        assert len(copy.services.keys.list_keys()) == len(full_desk.services.keys.list_keys())


def test_the_trail_goes_on_from_the_old_ones_checkpoint(
    full_desk: Desk, new_url: str, home_settings: HomeSettings
) -> None:
    seal_everything(full_desk.services)
    taken = full_desk.services.ledger.checkpoint()

    copied = copy_to(full_desk.services, new_url)

    assert copied.trail.is_sound
    with open_desk(home_settings(new_url), full_desk.simulator) as copy:
        ledger = copy.services.ledger
        for days in range(10, 20):
            copy.services.config.set("jobs", "keep_days", days, actor=OWNER)
        seal_everything(copy.services)
        report = ledger.verify(checkpoint=taken)
        assert (report.is_sound, report.unsealed) == (True, 0)
        assert report.checkpoint_block == taken.number
        assert report.rows == copied.trail.rows + copied.trail.unsealed + 10
        first = rows_of(copy.services.database, metadata.tables["AuditLogs"])[0][0]
        assert ledger.prove(first).audit_id == first


def test_a_desk_goes_there_and_back_and_its_trail_with_it(
    sqlite_desk: Desk, postgres_database: Callable[[str], str], home_settings: HomeSettings
) -> None:
    server, second = postgres_database("there"), postgres_database("elsewhere")
    back = f"sqlite:///{sqlite_desk.services.settings.home}/back.db"
    seal_everything(sqlite_desk.services)
    taken = sqlite_desk.services.ledger.checkpoint()
    copy_to(sqlite_desk.services, server)

    for here, there in ((server, second), (second, back)):
        with open_desk(home_settings(here), sqlite_desk.simulator) as desk:
            desk.services.config.set("jobs", "keep_days", 11, actor=OWNER)
            assert copy_to(desk.services, there).trail.is_sound

    with open_desk(home_settings(back), sqlite_desk.simulator) as desk:
        desk.services.config.set("jobs", "keep_days", 12, actor=OWNER)
        seal_everything(desk.services)
        report = desk.services.ledger.verify(checkpoint=taken)
        assert (report.is_sound, report.unsealed) == (True, 0)


def test_no_id_that_was_ever_handed_out_comes_again(full_desk: Desk, new_url: str) -> None:
    source = full_desk.services.database
    with source.transaction() as tx:
        sample = dict(tx.connection.execute(select(system_health)).mappings().first() or {})
        del sample["id"]
        tx.connection.execute(insert(system_health), sample)
        highest = tx.connection.execute(select(func.max(system_health.c.id))).scalar_one()
        tx.connection.execute(delete(system_health).where(system_health.c.id == highest))

    copy_to(full_desk.services, new_url)

    assert len(counted_tables()) >= 5
    with opened(new_url) as target, target.transaction() as tx:
        last = tx.connection.execute(text('SELECT max(id) FROM "AuditLogs"')).scalar_one()
        tx.connection.execute(insert(system_health), sample)
        new = tx.connection.execute(select(func.max(system_health.c.id))).scalar_one()
        audited = tx.audit.log("desk", "seen", actor=OWNER, now=full_desk.clock.now())
    assert new == highest + 1
    assert audited == last + 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE \"AuditLogs\" SET action = 'other'",
        'DELETE FROM "AuditLogs"',
        'DELETE FROM "AuditBlocks"',
    ],
)
def test_the_copys_trail_can_only_grow(sqlite_desk: Desk, new_url: str, statement: str) -> None:
    copy_to(sqlite_desk.services, new_url)

    with (
        opened(new_url) as target,
        pytest.raises(IntegrityError, match="append-only"),
        target.transaction() as tx,
    ):
        tx.connection.execute(text(statement))


def test_both_trails_tell_of_the_copy(sqlite_desk: Desk, new_url: str) -> None:
    copied = copy_to(sqlite_desk.services, new_url)

    with opened(new_url) as target, target.reading() as tx:
        entries = tx.audit.list_logs(AuditFilter(entity_type="database"), limit=5)
    assert [(each.action, each.user_id) for each in entries] == [
        ("copied", "owner"),
        ("copy", "owner"),
    ]
    assert entries[0].details is not None
    assert entries[0].details["rows"] == copied.rows
