"""The configuration's past: only ever longer, and a way back that is a step forward."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from clocks import FakeClock
from munshi.config.change_set import Wanted
from munshi.config.past import ConfigPast
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.errors import (
    ConfigChangeRepeatedError,
    ConfigRevisionUnknownError,
    ConfigRollbackRefusedError,
    ConfigValueInvalidError,
    ConfigVersionConflictError,
)
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha")
RAVI = Actor(user_id="ravi")
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def config(database: Database, clock: FakeClock) -> ConfigService:
    return ConfigService(database, clock)


@pytest.fixture
def past(database: Database, clock: FakeClock) -> ConfigPast:
    return ConfigPast(database, clock)


def wanted(name: str, value: object, *, version: int | None = None) -> Wanted:
    config_type, _, key = name.partition("/")
    return Wanted(config_type=config_type, config_key=key, value=value, expected_version=version)


def test_changes_of_several_types_share_one_revision(
    config: ConfigService, past: ConfigPast
) -> None:
    views = config.change(
        [wanted("jobs/keep_days", 14), wanted("health/stale_minutes", 20)], actor=ASHA
    )

    assert {view.revision for view in views} == {config.revision()}
    newest = past.revisions()[0]
    assert newest.keys == ("health/stale_minutes", "jobs/keep_days")
    assert newest.updated_by == "asha"


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (wanted("health/stale_minutes", "soon"), ConfigValueInvalidError),
        (wanted("health/stale_minutes", 20, version=4), ConfigVersionConflictError),
        (wanted("jobs/keep_days", 15), ConfigChangeRepeatedError),
    ],
)
def test_one_that_does_not_fit_stops_all(
    config: ConfigService, past: ConfigPast, second: Wanted, problem: type[Exception]
) -> None:
    before = config.revision()

    with pytest.raises(problem):
        config.change([wanted("jobs/keep_days", 14), second], actor=ASHA)

    assert (config.value("jobs", "keep_days"), config.revision()) == (7, before)
    assert past.revisions() == []


def test_a_change_of_an_older_whole_is_refused(config: ConfigService) -> None:
    seen = config.revision()
    config.set("health", "stale_minutes", 20, actor=RAVI)

    with pytest.raises(ConfigVersionConflictError, match="at revision"):
        config.change([wanted("jobs/keep_days", 14)], expected_revision=seen, actor=ASHA)

    assert config.value("jobs", "keep_days") == 7


def test_a_difference_names_what_stood_before_and_after(
    config: ConfigService, past: ConfigPast
) -> None:
    first = config.set("jobs", "keep_days", 14, actor=ASHA).revision
    config.set("jobs", "keep_days", 30, actor=ASHA)
    config.set("auth", "kite.password", "hush-hush", actor=ASHA)

    since_first, since_nothing = past.diff(first), past.diff(0, first)

    assert [(each.config_key, each.before, each.after) for each in since_first] == [
        ("kite.password", None, None),
        ("keep_days", 14, 30),
    ]
    assert [(each.before, each.after) for each in since_nothing] == [(None, 14)]
    assert "hush" not in repr(since_first)


def test_going_back_is_a_new_revision_and_can_be_gone_back_from(
    config: ConfigService, past: ConfigPast, database: Database
) -> None:
    start = config.set("jobs", "keep_days", 14, actor=ASHA).revision
    changed = [wanted("jobs/keep_days", 30), wanted("health/stale_minutes", 20)]
    later = config.change(changed, actor=ASHA)[0].revision

    plan = past.rollback(start, actor=RAVI)
    after = config.value("jobs", "keep_days"), config.value("health", "stale_minutes")
    past.rollback(later, actor=RAVI)

    assert {each.config_key for each in plan.changes} == {"keep_days", "stale_minutes"}
    assert after == (14, 15)
    assert config.value("jobs", "keep_days") == 30
    assert config.revision() == later + 2
    assert past.diff(later) == []
    with database.reading() as tx:
        actions = [
            entry.action for entry in tx.audit.get_logs_by_entity("config", "jobs/keep_days")
        ]
    assert actions == ["set"] * 4


def test_one_key_can_go_back_alone(config: ConfigService, past: ConfigPast) -> None:
    start = config.revision()
    config.change([wanted("jobs/keep_days", 30), wanted("health/stale_minutes", 20)], actor=ASHA)

    past.rollback(start, only=("jobs", "keep_days"), actor=ASHA)

    assert config.value("jobs", "keep_days") == 7
    assert config.value("health", "stale_minutes") == 20


def test_secrets_are_left_and_named(config: ConfigService, past: ConfigPast) -> None:
    start = config.revision()
    config.set("auth", "kite.password", "hush-hush", actor=ASHA)

    plan = past.rollback(start, actor=ASHA)

    assert [(each.config_key, "no secrets" in each.reason) for each in plan.left] == [
        ("kite.password", True)
    ]
    assert config.secret("auth", "kite.password") == "hush-hush"
    assert config.revision() == start + 1


def _plant(database: Database, config_type: str, key: str, value: object) -> int:
    """A value as an older Munshi stored it."""
    with database.transaction() as tx:
        entry = tx.config.set_config(config_type, key, value, updated_by="asha", now=NOW)
    return entry.revision


def test_what_is_not_allowed_today_is_named_and_nothing_changes(
    config: ConfigService, past: ConfigPast, database: Database
) -> None:
    then = _plant(database, "jobs", "keep_days", 0)
    config.change([wanted("jobs/keep_days", 30), wanted("health/stale_minutes", 20)], actor=ASHA)
    before = config.revision()

    with pytest.raises(ConfigRollbackRefusedError, match=r"jobs/keep_days .*from 1 to 3650"):
        past.rollback(then, actor=ASHA)

    assert config.value("health", "stale_minutes") == 20
    assert config.revision() == before
    past.rollback(then, only=("health", "stale_minutes"), actor=ASHA)
    assert config.value("health", "stale_minutes") == 15


def test_a_key_that_is_no_more_is_left_and_named(past: ConfigPast, database: Database) -> None:
    then = _plant(database, "jobs", "colour", "red")
    _plant(database, "jobs", "colour", "blue")

    plan = past.rollback(then, actor=ASHA)

    assert [(each.config_key, each.reason) for each in plan.left] == [
        ("colour", "this version of Munshi has no such key")
    ]
    assert plan.changes == ()


def test_what_changed_after_the_preview_is_not_overwritten(
    config: ConfigService, past: ConfigPast
) -> None:
    start = config.revision()
    config.set("jobs", "keep_days", 30, actor=ASHA)
    seen = past.plan_rollback(start)
    config.set("jobs", "keep_days", 31, actor=RAVI)

    with pytest.raises(ConfigVersionConflictError):
        past.rollback(start, expected_revision=seen.current, actor=ASHA)

    assert config.value("jobs", "keep_days") == 31


@pytest.mark.parametrize("revision", [-1, 1000])
def test_a_revision_that_never_was_is_refused(past: ConfigPast, revision: int) -> None:
    with pytest.raises(ConfigRevisionUnknownError):
        past.plan_rollback(revision)
    with pytest.raises(ConfigRevisionUnknownError):
        past.diff(0, revision)


_steps = st.lists(
    st.tuples(
        st.sampled_from(["jobs/keep_days", "health/stale_minutes", "health/backlog_minutes"]),
        st.none() | st.integers(1, 50),
    ),
    min_size=1,
    max_size=6,
)


@given(steps=_steps, back=st.integers(0, 5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_going_back_everything_is_as_it_was_then(
    database: Database, clock: FakeClock, steps: list[tuple[str, int | None]], back: int
) -> None:
    config, past = ConfigService(database, clock), ConfigPast(database, clock)
    states = {config.revision(): _state(config)}
    for name, value in steps:
        config.change([wanted(name, value)], actor=ASHA)
        states[config.revision()] = _state(config)
    target = sorted(states)[back % len(states)]

    past.rollback(target, actor=ASHA)

    assert _state(config) == states[target]
    assert past.diff(target) == []


def _state(config: ConfigService) -> dict[tuple[str, str], tuple[object, bool]]:
    return {
        (view.config_type, view.config_key): (view.value, view.is_set) for view in config.list_all()
    }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE \"ConfigHistory\" SET updated_by = 'nobody'",
        'DELETE FROM "ConfigHistory"',
    ],
)
def test_nobody_rewrites_the_history(
    config: ConfigService, past: ConfigPast, database: Database, statement: str
) -> None:
    config.set("jobs", "keep_days", 14, actor=ASHA)

    with (
        pytest.raises(DBAPIError, match="ConfigHistory is append-only"),
        database.engine.begin() as c,
    ):
        c.execute(text(statement))

    assert [each.updated_by for each in past.history("jobs", "keep_days")] == ["asha"]


def test_postgresql_refuses_to_truncate_the_history(
    config: ConfigService, past: ConfigPast, database: Database
) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    config.set("jobs", "keep_days", 14, actor=ASHA)

    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text('TRUNCATE "ConfigHistory"'))

    assert len(past.history("jobs", "keep_days")) == 1
