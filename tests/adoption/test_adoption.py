"""An old install taken over: settings, job history and audit, each row once and no secret."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adoption.old_desk import (
    API_SECRET,
    JOB_ID,
    LIVE_JOB_ID,
    SECRETS,
    SETTINGS,
    make_old_desk,
    run_sql,
)
from command_line import Munshi, runner
from munshi.infrastructure.database.migrations import HEAD


@pytest.fixture
def munshi(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Munshi:
    monkeypatch.chdir(tmp_path)
    return runner(tmp_path, empty_url)


@pytest.fixture
def old(empty_url: str) -> str:
    make_old_desk(empty_url)
    return empty_url


def adopted(munshi: Munshi, *words: str) -> dict[str, Any]:
    result = munshi("db", "adopt", "--json", *words)
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def shown(munshi: Munshi, *words: str) -> Any:  # noqa: ANN401 - JSON
    result = munshi(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def outcomes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["table"]: each for each in document["tables"]}


def jobs(munshi: Munshi) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(munshi, "jobs", "list", "--limit", "100")["jobs"]
    return found


def audit(munshi: Munshi, action: str) -> list[dict[str, Any]]:
    page = shown(munshi, "audit", "recent", "--action", action, "--limit", "100")
    found: list[dict[str, Any]] = page["entries"]
    return found


def test_a_dry_run_shows_all_and_changes_nothing(munshi: Munshi, old: str) -> None:
    document = adopted(munshi, "--dry-run")
    text = munshi("db", "adopt", "--dry-run")

    tables = {each["table"]: each for each in document["tables"]}
    assert tables["BackgroundJobs"]["becomes"] == "job history"
    assert tables["BackgroundJobs"]["columns_not_read"] == ["machine_name"]
    assert tables["AuditLogs"]["rows"] == 5
    assert "log in again" in tables["AuthSessions"]["why_not"]
    assert "trading/max_positions" in {each["setting"] for each in document["settings"]}
    assert "Nothing was changed: this was a dry run." in text.stdout
    assert not [secret for secret in SECRETS if secret in text.stdout + str(document)]
    assert run_sql(old, 'SELECT COUNT(*) FROM "AuditLogs"') == [(5,)]
    assert shown(munshi, "db", "current") == {
        "revision": None,
        "needed": HEAD,
        "is_current": False,
    }


@pytest.mark.usefixtures("old")
def test_settings_are_taken_over_with_the_rules_of_older_files(munshi: Munshi) -> None:
    document = adopted(munshi)

    def value(config_type: str, key: str) -> Any:  # noqa: ANN401 - JSON
        return shown(munshi, "config", "get", config_type, key)["value"]

    left = {each["where"]: each["reason"] for each in document["settings_not_imported"]}
    assert value("trading", "max_positions") == 7
    assert value("auth", "session_timeout_minutes") == 720
    assert value("auth", "kite.api_key") == "the-kite-key"
    assert value("scheduler", "schedule.kite_login")["trigger"]["times"] == ["06:15", "08:45"]
    assert value("api", "rate_limit_per_minute") == 600
    assert "shipped" in left["row 12, api/rate_limit_per_minute"]
    assert "trading/max_positions" in left["row 13, trading/max_position"]
    assert "log in again" in left["row 11, auth/kite_access_token"]
    assert "default_lots" in left["row 6, trading/default_lot_size"]
    assert any("05:45 became 06:15" in note for note in document["notes"])


def test_a_secret_goes_into_the_vault_and_a_password_only_with_consent(
    munshi: Munshi, old: str
) -> None:
    document = adopted(munshi)

    left = {each["where"]: each["reason"] for each in document["settings_not_imported"]}
    views = {each["config_key"]: each for each in shown(munshi, "config", "list", "auth")}
    assert views["kite.api_secret"]["is_set"] is True
    assert views["kite.password"]["is_set"] is False
    assert views["kite.headless"]["value"] is False
    assert "no consent" in left["row 4, scheduler/kite_headless"]
    assert "munshi connect kite" in left["row 10, auth/kite_password"]
    stored = str(run_sql(old, 'SELECT * FROM "SystemConfigurations"'))
    assert API_SECRET not in stored


@pytest.mark.usefixtures("old")
def test_old_jobs_are_over_and_marked_and_are_never_run(munshi: Munshi) -> None:
    document = adopted(munshi)

    found = {job["imported_from"]: job for job in jobs(munshi)}
    done, live = found[f"legacy_BackgroundJobs/{JOB_ID}"], None
    live = found[f"legacy_BackgroundJobs/{LIVE_JOB_ID}"]
    assert outcomes(document)["legacy_BackgroundJobs"]["imported"] == 6
    assert outcomes(document)["legacy_BackgroundJobs"]["ended"] == 3
    assert outcomes(document)["legacy_BackgroundJobs"]["renumbered"] == 1
    assert len(jobs(munshi)) == 6
    assert {job["state"] for job in found.values()} <= {"succeeded", "failed", "cancelled"}
    assert (live["job_id"], live["state"]) == (LIVE_JOB_ID, "cancelled")
    assert live["message"].startswith("It was 'Running' when the old install was adopted")
    # Without a zone it was written in India.
    assert live["created_at"] == "2025-03-02T03:45:00Z"
    assert done["started_at"] == "2025-03-01T04:30:05.123456Z"
    assert done["completed_at"] == "2025-03-01T10:05:00Z"
    assert done["result"] == {"pnl": "1234.5", "trades": 12}
    listed = munshi("jobs", "list").stdout
    assert listed.count(", imported") == 6
    assert (
        "imported    legacy_BackgroundJobs/17"
        in munshi("jobs", "show", found["legacy_BackgroundJobs/17"]["job_id"]).stdout
    )


@pytest.mark.usefixtures("old")
def test_an_imported_job_is_not_tried_again_and_not_cleaned_away(munshi: Munshi) -> None:
    adopted(munshi)

    one = munshi("jobs", "retry", LIVE_JOB_ID)
    many = shown(munshi, "jobs", "retry", "--state", "cancelled", "--state", "failed", "--yes")
    cleaned = shown(munshi, "jobs", "cleanup", "--days", "0")

    assert one.exit_code == 1
    assert "imported from an old install" in one.stderr
    assert (many["done"], many["skipped"]) == (0, 0)
    assert cleaned["deleted"] == 0
    assert {job["state"] for job in jobs(munshi)} <= {"succeeded", "failed", "cancelled"}
    assert munshi("jobs", "run", "strategy_runner").exit_code == 1


@pytest.mark.usefixtures("old")
def test_old_audit_rows_come_as_new_ones_that_say_what_is_vouched_for(munshi: Munshi) -> None:
    document = adopted(munshi)

    rows = {row["entity_id"]: row for row in audit(munshi, "legacy.imported")}
    first = rows["legacy_AuditLogs/1"]
    assert len(rows) == 5
    assert first["new_value"] == {
        "at": "2025-03-01T06:00:00.000000Z",
        "user": "asha",
        "action": "update",
        "entity_type": "config",
        "entity_id": "trading/max_positions",
        "old_value": "5",
        "new_value": "7",
        "details": {"reason": "more room", "ratio": "0.25"},
        "other": {"machine": "DESK-1"},
    }
    assert "vouches for it only from its import on" in first["details"]["note"]
    assert rows["legacy_AuditLogs/3"]["new_value"]["at"] == "2025-03-02T03:45:00.000000Z"
    assert rows["legacy_AuditLogs/4"]["new_value"]["at_as_written"] == "not a time"
    assert rows["legacy_AuditLogs/5"]["new_value"]["old_value"]["characters"] == 1_200_000
    assert document["audit_rows_sealed"] >= 5
    assert shown(munshi, "audit", "verify")["sound"] is True


def test_no_secret_of_the_old_install_stands_in_a_table_of_ours(munshi: Munshi, old: str) -> None:
    adopted(munshi)

    said = "".join(
        str(run_sql(old, f'SELECT * FROM "{table}"'))
        for table in ("AuditLogs", "BackgroundJobs", "SystemConfigurations", "ConfigHistory")
    )
    canonical = b"".join(bytes(row[0]) for row in run_sql(old, 'SELECT canonical FROM "AuditLogs"'))
    assert not [secret for secret in SECRETS if secret in said or secret.encode() in canonical]
    assert "the-secret-before-it" not in said
    rows = {row["entity_id"]: row for row in audit(munshi, "legacy.imported")}
    changed = rows["legacy_AuditLogs/2"]["new_value"]
    assert changed["new_value"].keys() == {"fingerprint"}
    assert changed["new_value"] != changed["old_value"]
    assert changed["new_value"]["fingerprint"] in str(jobs(munshi))


@pytest.mark.usefixtures("old")
def test_the_second_run_takes_nothing_over_twice(munshi: Munshi) -> None:
    adopted(munshi)
    munshi("config", "set", "trading", "max_positions", "9")
    before = len(jobs(munshi)), len(audit(munshi, "legacy.imported"))

    again = adopted(munshi)

    assert again["renamed"] == {}
    assert again["config_changes"] == []
    assert {each["imported"] for each in again["tables"]} == {0}
    assert outcomes(again)["legacy_BackgroundJobs"]["before"] == 6
    assert (len(jobs(munshi)), len(audit(munshi, "legacy.imported"))) == before
    assert shown(munshi, "config", "get", "trading", "max_positions")["value"] == 9


KILLED = """
import os, signal
from munshi.adoption.service import Choices
from munshi.bootstrap import open_services
from munshi.domain.audit import COMMAND_LINE
from munshi.settings import load_settings

def told(what, done, total):
    if what == "audit rows" and done >= 1000:
        os.kill(os.getpid(), signal.SIGKILL)

with open_services(load_settings(_env_file=None)) as services:
    services.adoption.run(Choices(), actor=COMMAND_LINE, progress=told)
"""


def test_a_run_that_was_killed_goes_on_where_it_was(
    munshi: Munshi, empty_url: str, tmp_path: Path
) -> None:
    make_old_desk(empty_url, audit_rows=2000)
    migrated = (
        "from munshi.bootstrap import open_database\n"
        "from munshi.infrastructure.database import migrate\n"
        "from munshi.settings import load_settings\n"
        "with open_database(load_settings(_env_file=None)) as database:\n"
        "    migrate.adopt(database); migrate.upgrade(database)\n"
    )
    environment = {"MUNSHI_HOME": str(tmp_path), "MUNSHI_DATABASE_URL": empty_url, "PATH": ""}
    environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    killed = subprocess.run(
        [sys.executable, "-c", migrated + KILLED],
        env=environment,
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    document = adopted(munshi)

    trail = outcomes(document)["legacy_AuditLogs"]
    assert (trail["before"], trail["imported"]) == (1000, 1005)
    assert run_sql(
        empty_url,
        'SELECT COUNT(*), COUNT(DISTINCT entity_id) FROM "AuditLogs" '
        "WHERE action = 'legacy.imported'",
    ) == [(2005, 2005)]
    assert shown(munshi, "audit", "verify")["sound"] is True


def test_two_that_adopt_at_once_take_each_row_over_once(
    munshi: Munshi, empty_url: str, tmp_path: Path
) -> None:
    make_old_desk(empty_url, audit_rows=1500)
    adopted(munshi, "--leave", "trading/max_positions")
    # As if nothing had been noted: all of them come once more, and not twice.
    run_sql(empty_url, "DELETE FROM \"LegacyRows\" WHERE source = 'legacy_AuditLogs'")
    environment = {"MUNSHI_HOME": str(tmp_path), "MUNSHI_DATABASE_URL": empty_url, "PATH": ""}
    environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

    both = [
        subprocess.Popen(
            [sys.executable, "-m", "munshi", "db", "adopt"],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert run_sql(
        empty_url, "SELECT COUNT(*) FROM \"AuditLogs\" WHERE action = 'legacy.imported'"
    ) == [(2 * 1505,)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            """UPDATE "SystemConfigurations" SET config_value = 'many'
            WHERE config_key = 'max_positions'""",
            "row 5, trading/max_positions",
        ),
        (
            'INSERT INTO "SystemConfigurations" '  # noqa: ISC004
            "SELECT 99, config_type, config_key, '8', 2, is_active FROM \"SystemConfigurations\" "
            "WHERE config_key = 'max_positions'",
            "disagree about trading/max_positions",
        ),
    ],
)
def test_an_unsound_configuration_refuses_everything_before_anything_is_touched(
    munshi: Munshi, old: str, statement: str, said: str
) -> None:
    run_sql(old, statement)

    refused = munshi("db", "adopt")

    assert refused.exit_code == 1
    assert said in refused.stderr
    assert "--leave TYPE/KEY" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert run_sql(old, 'SELECT COUNT(*) FROM "AuditLogs"') == [(5,)]
    without = adopted(munshi, "--leave", "trading/max_positions")
    assert "max_positions" not in str(without["config_changes"])
    assert adopted(munshi)["config_changes"] == []


def test_what_was_set_here_is_not_overwritten_in_silence(munshi: Munshi, old: str) -> None:
    moved = (
        'ALTER TABLE "SystemConfigurations" RENAME TO "legacy_SystemConfigurations"',
        'DROP TABLE "AuthSessions"',
        'DROP TABLE "BackgroundJobs"',
        'DROP TABLE "AuditLogs"',
        'DROP TABLE "SchedulerExecutions"',
    )
    run_sql(old, *moved)
    assert munshi("db", "upgrade").exit_code == 0
    munshi("config", "set", "trading", "max_positions", "4")

    refused = munshi("db", "adopt")
    kept = munshi("db", "adopt", "--leave", "trading/max_positions")

    assert refused.exit_code == 1
    assert "other values were set here for trading/max_positions" in refused.stderr
    assert kept.exit_code == 0
    assert shown(munshi, "config", "get", "trading", "max_positions")["value"] == 4


def test_a_setting_is_replaced_where_a_person_says_so(munshi: Munshi, old: str) -> None:
    adopted(munshi, "--leave", "trading/max_positions")
    munshi("config", "set", "trading", "max_positions", "4")
    run_sql(old, "DELETE FROM \"LegacyRows\" WHERE fate = 'left'")

    adopted(munshi, "--replace", "trading/max_positions")

    assert shown(munshi, "config", "get", "trading", "max_positions")["value"] == 7


def test_names_that_are_taken_refuse_it_and_nothing_is_touched(munshi: Munshi, old: str) -> None:
    run_sql(old, 'CREATE TABLE "legacy_AuditLogs" (x INTEGER)')

    refused = munshi("db", "adopt")

    assert refused.exit_code == 1
    assert "already holds legacy_AuditLogs" in refused.stderr
    assert run_sql(old, 'SELECT COUNT(*) FROM "BackgroundJobs"') == [(6,)]


@pytest.mark.usefixtures("old")
def test_the_tables_that_are_kept_are_no_difference(munshi: Munshi) -> None:
    adopted(munshi)

    assert shown(munshi, "db", "check") == {"differences": []}


@pytest.mark.usefixtures("old")
def test_old_times_without_a_zone_are_read_as_utc_if_a_person_says_so(munshi: Munshi) -> None:
    adopted(munshi, "--times", "utc")

    live = next(job for job in jobs(munshi) if job["job_id"] == LIVE_JOB_ID)
    assert live["created_at"] == "2025-03-02T09:15:00Z"


def test_dropping_asks_for_words_and_leaves_no_secret_behind(
    munshi: Munshi, old: str, tmp_path: Path
) -> None:
    adopted(munshi)

    wrong = munshi("db", "adopt", "--drop-legacy", typed="yes\n")
    still = run_sql(old, 'SELECT COUNT(*) FROM "legacy_AuthSessions"')
    right = munshi("db", "adopt", "--drop-legacy", typed="drop 5 tables\n")

    assert wrong.exit_code == 1
    assert "every table is still there" in wrong.stderr
    assert still == [(2,)]
    assert right.exit_code == 0, right.stderr
    assert munshi("db", "adopt").stdout == "There is nothing to adopt.\n"
    assert len(jobs(munshi)) == 6
    assert audit(munshi, "legacy.drop")[0]["details"]["rows"]["legacy_AuditLogs"] == 5
    for path in tmp_path.glob("empty.db*"):
        raw = path.read_bytes()
        assert not [secret for secret in SECRETS if secret.encode() in raw]


def test_a_table_without_the_columns_is_kept_and_named(munshi: Munshi, empty_url: str) -> None:
    run_sql(empty_url, 'CREATE TABLE "AuditLogs" (a INTEGER)', 'INSERT INTO "AuditLogs" VALUES (1)')

    document = adopted(munshi)
    text = munshi("db", "adopt").stdout

    assert document["tables"] == []
    assert "legacy_AuditLogs is kept: it has no column action or event or operation" in text


def test_every_setting_of_the_old_desk_has_a_place_or_a_reason(munshi: Munshi, old: str) -> None:
    document = adopted(munshi)

    (taken,) = run_sql(
        old, "SELECT COUNT(*) FROM \"LegacyRows\" WHERE source = 'legacy_SystemConfigurations'"
    )
    assert taken[0] + len(document["settings_not_imported"]) == len(SETTINGS)
