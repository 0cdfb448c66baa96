"""ConfigService: values keep their types, changes keep their history, secrets stay unseen."""

import json

import pytest
from sqlalchemy import text

from clocks import FakeClock
from databases import lone_vault
from munshi.config.fingerprints import fingerprint
from munshi.config.past import ConfigPast
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import seeded_keys
from munshi.errors import (
    ConfigKeyUnknownError,
    ConfigTypeUnknownError,
    ConfigValueInvalidError,
    ConfigVersionConflictError,
)
from munshi.infrastructure.database.engine import Database

ASHA = Actor(user_id="asha", request_id="r-1")


@pytest.fixture
def config(database: Database, clock: FakeClock) -> ConfigService:
    return ConfigService(database, clock)


@pytest.fixture
def past(database: Database, clock: FakeClock) -> ConfigPast:
    return ConfigPast(database, clock)


def test_a_default_stands_until_a_value_is_set_and_again_after_it_is_removed(
    config: ConfigService,
) -> None:
    before = config.view("jobs", "keep_days")
    config.set("jobs", "keep_days", 30, actor=ASHA)
    between = config.value("jobs", "keep_days")
    after = config.set("jobs", "keep_days", None, actor=ASHA)

    assert (before.value, before.version, before.is_set) == (7, 0, False)
    assert between == 30
    assert (after.value, after.version, after.is_set) == (7, 2, False)
    assert config.value("jobs", "keep_days") == 7


@pytest.mark.parametrize("value", [True, False])
def test_booleans_stay_booleans(config: ConfigService, *, value: bool) -> None:
    config.set("auth", "kite.headless", value, actor=ASHA)

    assert config.value("auth", "kite.headless") is value


def test_a_value_that_does_not_fit_changes_nothing(config: ConfigService, past: ConfigPast) -> None:
    with pytest.raises(ConfigValueInvalidError):
        config.set("jobs", "keep_days", "many", actor=ASHA)

    assert config.view("jobs", "keep_days").version == 0
    assert past.history("jobs", "keep_days") == []


def test_a_change_is_in_history_and_audit_with_what_stood_before(
    config: ConfigService, past: ConfigPast, database: Database, clock: FakeClock
) -> None:
    config.set("jobs", "keep_days", 14, actor=ASHA)
    config.set("jobs", "keep_days", 30, actor=ASHA)

    history = past.history("jobs", "keep_days")
    with database.reading() as tx:
        newest, oldest = tx.audit.get_logs_by_entity("config", "jobs/keep_days")

    assert [(change.version, change.value) for change in history] == [(2, 30), (1, 14)]
    assert (newest.old_value, newest.new_value) == (14, 30)
    assert (oldest.old_value, oldest.new_value) == (None, 14)
    assert (newest.user_id, newest.request_id, newest.timestamp) == ("asha", "r-1", clock.now())
    assert newest.details == {"revision": history[0].revision}


def test_a_change_made_on_an_old_version_is_refused(
    config: ConfigService, past: ConfigPast
) -> None:
    config.set("jobs", "keep_days", 14, expected_version=0, actor=ASHA)

    with pytest.raises(ConfigVersionConflictError, match="at version 1, not 0"):
        config.set("jobs", "keep_days", 30, expected_version=0, actor=ASHA)

    assert config.value("jobs", "keep_days") == 14
    assert len(past.history("jobs", "keep_days")) == 1


def test_a_removed_value_keeps_counting_versions(config: ConfigService) -> None:
    config.set("jobs", "keep_days", 14, actor=ASHA)
    removed = config.set("jobs", "keep_days", None, expected_version=1, actor=ASHA)

    again = config.set("jobs", "keep_days", 9, expected_version=removed.version, actor=ASHA)

    assert again.version == 3


def test_a_secret_is_handed_out_by_its_own_method_only(config: ConfigService) -> None:
    view = config.set("auth", "kite.api_secret", "hush-hush", actor=ASHA)

    assert config.secret("auth", "kite.api_secret") == "hush-hush"
    assert (view.value, view.is_set, view.is_secret) == (None, True, True)
    assert config.view("auth", "kite.api_secret") == view
    with pytest.raises(ConfigKeyUnknownError, match="is a secret"):
        config.value("auth", "kite.api_secret")
    with pytest.raises(ConfigKeyUnknownError, match="is not a secret"):
        config.secret("auth", "kite.api_key")


def test_a_secret_stands_in_no_list_no_history_no_audit_and_no_row(
    config: ConfigService, past: ConfigPast, database: Database
) -> None:
    config.set("auth", "kite.password", "hush-hush", actor=ASHA)
    config.set("auth", "kite.password", None, actor=ASHA)
    config.set("auth", "kite.password", "hush-hush", actor=ASHA)

    shown = repr(config.list_all()) + repr(past.history("auth", "kite.password"))
    with database.reading() as tx:
        audit = tx.audit.get_logs_by_entity("config", "auth/kite.password")
        tables = ("SystemConfigurations", "ConfigHistory", "AuditLogs")
        rows = [tx.connection.execute(text(f'SELECT * FROM "{name}"')).all() for name in tables]

    assert "hush" not in shown
    known = audit[-1].new_value
    assert [(entry.old_value, entry.new_value) for entry in audit] == [
        ({"is_set": False}, known),
        (known, {"is_set": False}),
        (None, known),
    ]
    assert known["is_set"] is True
    assert "hush" not in json.dumps(
        rows,
        default=lambda value: (
            repr(bytes(value)) if isinstance(value, bytes | memoryview) else str(value)
        ),
    )


def test_the_audit_tells_a_new_secret_from_the_same_again(
    config: ConfigService, database: Database
) -> None:
    for secret in ("4711", "4711", "4712"):
        config.set("auth", "kite.totp_seed", secret, actor=ASHA)

    with database.reading() as tx:
        changed, again, first = tx.audit.get_logs_by_entity("config", "auth/kite.totp_seed")

    assert first.new_value == again.old_value == again.new_value == changed.old_value
    assert changed.new_value["fingerprint"] != changed.old_value["fingerprint"]


def test_a_fingerprint_says_nothing_without_the_desks_key(
    config: ConfigService, database: Database
) -> None:
    config.set("auth", "kite.password", "4711", actor=ASHA)
    config.set("auth", "breeze.password", "4711", actor=ASHA)
    other = lone_vault()

    with database.reading() as tx:
        (kite,) = tx.audit.get_logs_by_entity("config", "auth/kite.password")
        (breeze,) = tx.audit.get_logs_by_entity("config", "auth/breeze.password")
    with database.transaction() as tx:
        ours = fingerprint(tx.vault, "auth", "kite.password", "4711")

    said = kite.new_value["fingerprint"]
    assert said == ours
    assert said != breeze.new_value["fingerprint"]
    guessed = fingerprint(other, "auth", "kite.password", "4711")
    assert guessed.split(":")[1] != said.split(":")[1]


def test_a_list_shows_defaults_beside_stored_values(config: ConfigService) -> None:
    config.set("scheduler", "schedule.evening", _schedule("18:00"), actor=ASHA)

    listed = {view.config_key: view for view in config.list_type("scheduler")}

    assert listed["schedule.evening"].value["times"] == ["18:00"]
    assert listed["schedule.kite_login"].value["trigger"]["times"] == ["06:15", "07:35"]
    assert listed["schedule.kite_login"].version == 0


def test_an_unknown_type_is_refused_with_those_there_are(
    config: ConfigService,
) -> None:
    with pytest.raises(ConfigTypeUnknownError, match="scheduler"):
        config.list_type("nonsense")


def test_documents_of_a_family_are_found_by_the_rest_of_their_names(
    config: ConfigService,
) -> None:
    slow = {"requests": 1, "seconds": 2}
    config.set("api", "limit.kite.quote", slow, actor=ASHA)

    assert config.documents("api", "limit.") == {"kite.quote": slow}


def test_seeds_are_stored_once_and_audited(config: ConfigService, database: Database) -> None:
    first, second = config.seed(), config.seed()

    with database.reading() as tx:
        schedules = tx.config.get_scheduler_config()
        audit = tx.audit.get_logs_by_entity("config", "scheduler/schedule.kite_login")
    assert (first, second) == (len(seeded_keys()), 0)
    assert {"kite_login", "breeze_login", "daily_collection"} <= set(schedules)
    assert [entry.user_id for entry in audit] == ["munshi"]


def test_a_seed_that_a_person_changed_or_removed_is_left_alone(config: ConfigService) -> None:
    config.seed()
    config.set("scheduler", "schedule.kite_login", _schedule("06:30"), actor=ASHA)
    config.set("scheduler", "schedule.breeze_login", None, actor=ASHA)

    seeded = config.seed()

    assert seeded == 0
    assert config.value("scheduler", "schedule.kite_login")["times"] == ["06:30"]
    assert not config.view("scheduler", "schedule.breeze_login").is_set


def test_changing_what_was_read_does_not_change_the_default(config: ConfigService) -> None:
    config.value("scheduler", "schedule.kite_login")["trigger"]["times"].clear()

    kept = config.value("scheduler", "schedule.kite_login")["trigger"]["times"]
    assert kept == ["06:15", "07:35"]


def test_typed_text_is_stored_as_its_own_type(config: ConfigService) -> None:
    config.set_text("jobs", "keep_days", "21", actor=ASHA)
    config.set_text("auth", "kite.api_key", "21", actor=ASHA)

    assert config.value("jobs", "keep_days") == 21
    assert config.value("auth", "kite.api_key") == "21"
    with pytest.raises(ConfigValueInvalidError, match="cannot be null"):
        config.set_text("jobs", "keep_days", "null", actor=ASHA)


def _schedule(*times: str) -> dict[str, object]:
    return {
        "job_type": "auto_login",
        "parameters": {"service": "kite"},
        "times": list(times),
        "weekdays_only": True,
        "enabled": True,
    }
