"""The jobs that keep the desk tidy, each run by a real worker."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from desks import TESTER, Desk
from kept_quotes import kept_quote, save_quotes
from munshi.bootstrap import JOB_TYPES
from munshi.domain.config_keys import (
    AUDIT,
    HEALTH,
    JOBS,
    KEEP_ARCHIVES_DAYS,
    KEEP_DAYS,
    KEEP_QUOTE_DAYS,
    LEAST_FREE_MB,
    MARKET,
    find_key,
)
from munshi.domain.enums import Service
from munshi.domain.job_params import NoParams
from munshi.domain.jobs import AUDIT_ARCHIVE, JobState
from munshi.domain.schedules import ExecutionStatus
from munshi.errors import ConfigValueInvalidError, JobParametersInvalidError
from munshi.infrastructure.database.models import metadata

KEEPERS = (
    *("session_cleanup", "health_sweep", "job_cleanup", "database_maintenance"),
    AUDIT_ARCHIVE,
)


def do(desk: Desk, job_type: str) -> tuple[UUID, dict[str, Any]]:
    """Ask for it and have it done; the job and its result."""
    job = desk.services.jobs.enqueue(job_type, {}, actor=TESTER)
    desk.services.worker().run_until_idle()
    done = desk.services.jobs.get(job.job_id)
    assert (done.state, done.error_details) == (JobState.SUCCEEDED, None)
    return done.job_id, dict(done.result_data or {})


@pytest.mark.parametrize("job_type", KEEPERS)
def test_what_keeps_the_desk_takes_no_parameters_and_may_run_twice(job_type: str) -> None:
    assert JOB_TYPES[job_type].params is NoParams
    assert JOB_TYPES[job_type].idempotent


@pytest.mark.parametrize("job_type", KEEPERS)
def test_a_parameter_is_refused(desk: Desk, job_type: str) -> None:
    with pytest.raises(JobParametersInvalidError, match="Not known here: days"):
        desk.services.jobs.enqueue(job_type, {"days": 3}, actor=TESTER)


def test_expired_sessions_are_ended_and_audited(desk: Desk) -> None:
    desk.log_in_everywhere()
    desk.clock.advance(timedelta(days=2))

    job_id, result = do(desk, "session_cleanup")

    assert result == {"auth_sessions": 2, "user_sessions": 0, "cache_entries": 0}
    with desk.services.database.reading() as tx:
        assert tx.auth.list_active_logins(mode=desk.services.settings.brokers) == []
    [entry, *_] = desk.services.audit.page(action="cleanup").entries
    assert (entry.entity_type, entry.user_id) == ("auth", f"job:{job_id}")


def test_old_audit_rows_are_archived_and_old_archives_dropped_as_configured(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    desk.services.ledger.seal()
    _, too_young = do(desk, AUDIT_ARCHIVE)
    desk.clock.advance(timedelta(days=90, seconds=1))
    _, archived = do(desk, AUDIT_ARCHIVE)
    desk.services.ledger.seal()
    desk.clock.advance(timedelta(days=1826, seconds=1))
    _, dropped = do(desk, AUDIT_ARCHIVE)

    assert (too_young["archives"], too_young["dropped"]) == ([], [])
    assert len(archived["archives"]) == 1
    assert archived["rows"] > 0
    assert dropped["dropped"] == archived["archives"]
    desk.services.ledger.seal()
    report = desk.services.ledger.verify()
    assert (report.findings, report.dropped_rows) == ([], archived["rows"])
    entries = desk.services.audit.page(entity_type="audit_archive").entries
    assert {entry.action for entry in entries} == {"archived", "dropped"}


def test_how_long_archives_are_kept_is_a_year_at_the_least_and_the_administrators_to_say(
    desk: Desk,
) -> None:
    with pytest.raises(ConfigValueInvalidError, match="365"):
        desk.services.config.set(AUDIT, KEEP_ARCHIVES_DAYS, 364, actor=TESTER)

    assert find_key(AUDIT, KEEP_ARCHIVES_DAYS).needs_admin


def test_old_jobs_are_deleted_as_configured(desk: Desk) -> None:
    do(desk, "session_cleanup")
    desk.clock.advance(timedelta(days=7, seconds=1))
    kept, _ = do(desk, "session_cleanup")
    cleaner, result = do(desk, "job_cleanup")

    assert result == {
        "days": 7,
        "deleted": 1,
        "run_days": 400,
        "runs_forgotten": 0,
        "call_counts_forgotten": 0,
        "unconfirmed_bars_forgotten": 0,
        "quotes_forgotten": 0,
        "alerts_forgotten": 0,
    }
    assert {job.job_id for job in desk.services.jobs.recent().jobs} == {kept, cleaner}


def test_for_how_long_jobs_are_kept_is_configured(desk: Desk) -> None:
    do(desk, "session_cleanup")
    desk.clock.advance(timedelta(days=7, seconds=1))
    desk.services.config.set(JOBS, KEEP_DAYS, 30, actor=TESTER)

    assert do(desk, "job_cleanup")[1]["deleted"] == 0


def test_quotes_of_streams_are_kept_as_long_as_configured(desk: Desk) -> None:
    now = desk.clock.now()
    for days in (1, 39, 41, 399, 401):
        save_quotes(desk.services.database, kept_quote(now - timedelta(days=days)))
    as_it_comes = do(desk, "job_cleanup")[1]["quotes_forgotten"]
    desk.services.config.set(MARKET, KEEP_QUOTE_DAYS, 40, actor=TESTER)

    assert as_it_comes == 1
    assert do(desk, "job_cleanup")[1]["quotes_forgotten"] == 2


def test_what_became_of_old_due_times_is_forgotten_unless_its_job_still_runs(desk: Desk) -> None:
    due = desk.clock.now()
    jobs = desk.services.jobs
    running = jobs.enqueue("session_cleanup", {}, actor=TESTER).job_id
    with desk.services.database.transaction() as tx:
        for name in ("missed", "running", "recent"):
            at = due + timedelta(days=400 if name == "recent" else 0)
            made = tx.schedules.save_execution(
                name,
                ExecutionStatus.MISSED if name == "missed" else ExecutionStatus.FIRED,
                scheduled_for=at,
            )
            if name != "missed":
                assert made is not None
                tx.schedules.give_job(made, running)
    desk.clock.advance(timedelta(days=400, seconds=1))

    forgotten = desk.services.schedules.cleanup(400, actor=TESTER)

    assert forgotten == 1
    with desk.services.database.reading() as tx:
        left = {
            n: tx.schedules.list_executions(n, limit=5) for n in ("missed", "running", "recent")
        }
    assert [len(left[name]) for name in ("missed", "running", "recent")] == [0, 1, 1]
    [entry] = desk.services.audit.page(entity_type="schedule", action="cleanup").entries
    assert entry.details == {"days": 400, "deleted": 1}


def test_a_sweep_succeeds_although_the_desk_is_unwell(desk: Desk) -> None:
    desk.services.config.set(HEALTH, LEAST_FREE_MB, 100_000_000, actor=TESTER)

    _, result = do(desk, "health_sweep")

    assert result["status"] == "fail"
    assert result["components"]["disk"] == "fail"
    assert result["components"]["workers"] == "pass"  # the one that runs the sweep
    assert result["messages"].keys() == {"disk"}
    report = desk.services.health.report()
    assert [sample.component for sample in report.samples if sample.is_failing] == ["disk"]


def test_maintenance_reports_every_table(desk: Desk) -> None:
    _, result = do(desk, "database_maintenance")

    assert result["dialect"] == "sqlite"
    assert {table["table"] for table in result["tables"]} == set(metadata.tables)
    assert result["is_intact"] is True
    assert result["advice"] == []
    assert result["summary"] == f"{len(metadata.tables)} tables were cared for."
