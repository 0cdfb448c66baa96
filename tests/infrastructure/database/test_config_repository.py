"""ConfigRepository: versions, one global revision, history, and writers who meet."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from clocks import FakeClock
from munshi.errors import ConfigVersionConflictError, SecretUnreadableError
from munshi.infrastructure.database.engine import Database

WRITERS, EACH = 2, 15


def store(database: Database, clock: FakeClock, key: str, value: object) -> int:
    with database.transaction() as tx:
        entry = tx.config.set_config("jobs", key, value, updated_by="asha", now=clock.now())
    return entry.revision


def test_a_value_comes_back_with_its_own_type(database: Database, clock: FakeClock) -> None:
    values = [True, False, 0, 7, "", "text", "तेजी", ["06:15"], {"a": {"b": [1, None, "x"]}}]
    for number, value in enumerate(values):
        store(database, clock, f"key{number}", value)

    with database.reading() as tx:
        found = [tx.config.get_config("jobs", f"key{number}") for number in range(len(values))]

    assert [entry.value for entry in found if entry] == values
    assert [type(entry.value) for entry in found if entry] == [type(value) for value in values]


def test_a_key_never_set_is_not_there(database: Database) -> None:
    with database.reading() as tx:
        assert tx.config.get_config("jobs", "keep_days") is None
        assert tx.config.get_version("jobs", "keep_days") == 0


def test_every_change_of_any_key_takes_the_next_revision(
    database: Database, clock: FakeClock
) -> None:
    with database.reading() as tx:
        start = tx.config.get_revision()

    revisions = [store(database, clock, key, 1) for key in ("one", "two", "one")]

    with database.reading() as tx:
        end = tx.config.get_revision()
    assert revisions == [start + 1, start + 2, start + 3]
    assert end == start + 3


def test_history_keeps_every_version_and_is_written_with_the_value(
    database: Database, clock: FakeClock
) -> None:
    for value in (1, 2, None, 3):
        store(database, clock, "keep_days", value)

    with database.reading() as tx:
        history = tx.config.get_history("jobs", "keep_days", limit=3)

    assert [(c.version, c.value, c.is_active) for c in history] == [
        (4, 3, True),
        (3, None, False),
        (2, 2, True),
    ]


def test_a_change_that_is_rolled_back_leaves_no_revision_and_no_history(
    database: Database, clock: FakeClock
) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            tx.config.set_config("jobs", "keep_days", 1, updated_by="asha", now=clock.now())
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    with database.reading() as tx:
        assert tx.config.get_revision() == 0
        assert tx.config.get_history("jobs", "keep_days", limit=9) == []
        assert tx.config.get_config("jobs", "keep_days") is None


def test_a_stale_version_is_refused(database: Database, clock: FakeClock) -> None:
    store(database, clock, "keep_days", 1)
    store(database, clock, "keep_days", 2)

    with (
        pytest.raises(ConfigVersionConflictError, match="at version 2, not 1"),
        database.transaction() as tx,
    ):
        tx.config.set_config(
            "jobs", "keep_days", 3, expected_version=1, updated_by="ravi", now=clock.now()
        )


def test_writers_at_once_lose_no_change(database: Database, clock: FakeClock) -> None:
    def add_until_done(_: int) -> None:
        done = 0
        while done < EACH:
            try:
                add_one()
                done += 1
            except ConfigVersionConflictError:
                continue

    def add_one() -> None:
        with database.transaction() as tx:
            entry = tx.config.get_config("jobs", "count")
            tx.config.set_config(
                "jobs",
                "count",
                entry.value + 1 if entry else 1,
                expected_version=entry.version if entry else 0,
                updated_by="asha",
                now=clock.now(),
            )

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(add_until_done, range(WRITERS)))

    with database.reading() as tx:
        entry = tx.config.get_config("jobs", "count")
        revisions = [c.revision for c in tx.config.get_history("jobs", "count", limit=999)]
        assert tx.config.get_revision() == WRITERS * EACH
    assert entry is not None
    assert (entry.value, entry.version) == (WRITERS * EACH, WRITERS * EACH)
    assert revisions == list(range(WRITERS * EACH, 0, -1))


def test_a_secret_is_clear_when_asked_for_by_name_and_sealed_in_lists(
    database: Database, clock: FakeClock
) -> None:
    with database.transaction() as tx:
        tx.config.set_config(
            "auth", "kite.password", "hush", is_secret=True, updated_by="asha", now=clock.now()
        )

    with database.reading() as tx:
        asked = tx.config.get_config("auth", "kite.password")
        (listed,) = tx.config.get_configs_by_type("auth")
        (history,) = tx.config.get_history("auth", "kite.password", limit=9)
        (stored,) = tx.connection.execute(
            text('SELECT config_value, secret_value FROM "SystemConfigurations"')
        )

    assert asked is not None
    assert asked.value == "hush"
    assert (listed.value, listed.is_secret) == (None, True)
    assert (history.value, history.is_secret) == (None, True)
    assert stored.config_value is None
    assert b"hush" not in bytes(stored.secret_value)


def test_a_secret_copied_to_another_key_does_not_open(database: Database, clock: FakeClock) -> None:
    with database.transaction() as tx:
        for key in ("kite.password", "kite.totp_seed"):
            tx.config.set_config(
                "auth", key, key, is_secret=True, updated_by="asha", now=clock.now()
            )
        tx.connection.execute(
            text(
                'UPDATE "SystemConfigurations" SET secret_value = (SELECT secret_value FROM '
                "\"SystemConfigurations\" WHERE config_key = 'kite.password')"
            )
        )

    with database.reading() as tx, pytest.raises(SecretUnreadableError, match="moved"):
        tx.config.get_config("auth", "kite.totp_seed")


def test_schedules_are_found_by_their_bare_names(database: Database, clock: FakeClock) -> None:
    document = {"times": ["06:15"], "enabled": True}
    with database.transaction() as tx:
        tx.config.save_scheduler_config("kite_login", document, updated_by="asha", now=clock.now())

    with database.reading() as tx:
        assert tx.config.get_scheduler_config() == {"kite_login": document}
