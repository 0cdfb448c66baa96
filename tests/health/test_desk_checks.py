"""The desk's own parts, on both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from health.ward import Ward
from munshi.domain.audit import MUNSHI
from munshi.domain.config_keys import BACKLOG_MINUTES, HEALTH, LEAST_FREE_MB
from munshi.domain.health import HealthStatus
from munshi.errors import DatabaseStaleError
from munshi.health.desk_checks import (
    LARGE_WAL_MB,
    find_backlog,
    find_database,
    find_disk,
    find_scheduler,
    find_workers,
)
from munshi.infrastructure.database.migrations import VERSION_TABLE
from munshi.infrastructure.database.models import job_pauses

PASS, WARN, FAIL, UNKNOWN = (
    HealthStatus.PASS,
    HealthStatus.WARN,
    HealthStatus.FAIL,
    HealthStatus.UNKNOWN,
)


def test_a_database_that_answers_says_how_quickly(ward: Ward) -> None:
    found = find_database(ward.ground)

    assert found.status is PASS
    assert (found.value, found.unit) == (0, "ms")  # the clock of the test stands still
    assert found.facts["kind"] == ward.database.dialect


def test_a_database_of_another_revision_is_not_well(ward: Ward) -> None:
    with ward.database.engine.begin() as connection:
        connection.execute(text(f"UPDATE \"{VERSION_TABLE}\" SET version_num = 'long_ago'"))

    with pytest.raises(DatabaseStaleError):
        find_database(ward.ground)


def test_a_large_write_ahead_log_is_told(ward: Ward) -> None:
    if ward.database.dialect != "sqlite":
        assert "wal_bytes" not in find_database(ward.ground).facts
        return
    with ward.database.reading() as tx:  # keeps the log from being folded back
        tx.connection.execute(text('SELECT count(*) FROM "Alerts"'))
        path = Path(f"{ward.database.url.database}-wal")
        with path.open("ab") as log:
            log.truncate(int((LARGE_WAL_MB + 1) * 1024 * 1024))
    found = find_database(ward.ground)

    assert found.status is WARN
    assert "write-ahead log has 65.0 MB" in found.message


def test_a_transaction_that_somebody_left_open_is_told(ward: Ward) -> None:
    if ward.database.dialect != "postgresql":
        assert "oldest_transaction_seconds" not in find_database(ward.ground).facts
        return
    with ward.database.engine.connect() as forgotten:
        forgotten.execute(text("SELECT 1"))
        found = find_database(ward.ground)

    assert found.status is PASS
    age = found.facts["oldest_transaction_seconds"]
    assert isinstance(age, float)
    assert 0 < age < 60


@pytest.mark.parametrize(
    ("wanted_mb", "status"), [(1, PASS), (100_000_000, FAIL)], ids=["enough", "far too little"]
)
def test_a_disk_is_judged_by_what_should_be_free(
    ward: Ward, wanted_mb: int, status: HealthStatus
) -> None:
    ward.ground.config.set(HEALTH, LEAST_FREE_MB, wanted_mb, actor=MUNSHI)

    found = find_disk(ward.ground)

    assert found.status is status
    assert found.unit == "MB"
    assert found.value is not None
    assert found.value > 0


def test_a_disk_is_low_before_it_is_full(ward: Ward) -> None:
    free = find_disk(ward.ground).value
    assert free is not None
    ward.ground.config.set(HEALTH, LEAST_FREE_MB, int(free * 2), actor=MUNSHI)

    assert find_disk(ward.ground).status is WARN


def test_without_a_worker_no_job_is_done(ward: Ward) -> None:
    ward.worker("gone", silent=61)

    found = find_workers(ward.ground)

    assert (found.status, found.value) == (FAIL, 0)
    assert "munshi worker" in found.message


def test_workers_that_are_heard_of_are_counted(ward: Ward) -> None:
    ward.worker("one", silent=10, running=3)
    ward.worker("two", silent=60, threads=8)
    ward.worker("of-yesterday", silent=86_400)

    found = find_workers(ward.ground)

    assert (found.status, found.value, found.message) == (PASS, 2, "2 workers at work.")
    assert (found.facts["threads"], found.facts["running"]) == (12, 3)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"status": "draining"}, "about to stop"),
        ({"abandoned": 2}, "2 jobs did not stop"),
    ],
)
def test_a_worker_that_cannot_take_jobs_is_worth_a_warning(
    ward: Ward, how: dict[str, Any], said: str
) -> None:
    ward.worker("one", **how)

    found = find_workers(ward.ground)

    assert found.status is WARN
    assert said in found.message


def test_a_worker_that_fell_silent_beside_others_is_worth_a_warning(ward: Ward) -> None:
    ward.worker("one")
    ward.worker("two", silent=300)

    found = find_workers(ward.ground)

    assert (found.status, found.facts["silent"]) == (WARN, 1)


def test_a_desk_that_never_had_a_scheduler_is_not_judged(ward: Ward) -> None:
    assert find_scheduler(ward.ground).status is UNKNOWN


@pytest.mark.parametrize(
    ("late", "status"), [(-30, PASS), (0, PASS), (59, PASS), (60, WARN), (299, WARN), (300, FAIL)]
)
def test_a_scheduler_is_as_late_as_its_oldest_due_time(
    ward: Ward, late: float, status: HealthStatus
) -> None:
    ward.schedule("kite_login", due=timedelta(seconds=-late))
    ward.schedule("next_week", due=timedelta(days=7))
    ward.schedule("never", due=None)

    found = find_scheduler(ward.ground)

    assert (found.status, found.value) == (status, max(0, late))
    assert ("kite_login" in found.message) == (status is not PASS)


def test_no_job_waits_at_a_quiet_desk(ward: Ward) -> None:
    ward.job(waited=-3600)  # its turn is to come

    found = find_backlog(ward.ground)

    assert (found.status, found.value, found.message) == (PASS, 0, "No job waits for a worker.")


def test_a_backlog_is_as_old_as_the_job_whose_turn_came_first(ward: Ward) -> None:
    ward.job(waited=30)
    ward.job(waited=660, queue="research")
    ward.job(waited=90, queue="research", job_type="auto_login")

    found = find_backlog(ward.ground)

    assert (found.status, found.value) == (WARN, 660)
    assert found.facts["seconds_by_queue"] == {"default": 30, "research": 660}
    assert "3 jobs wait for a worker; the oldest, in queue research, for 11.0 minutes" in (
        found.message
    )


def test_a_scheduled_job_that_is_due_waits_too(ward: Ward) -> None:
    ward.job(waited=3600, status="scheduled")
    ward.job(waited=-60, status="scheduled")

    found = find_backlog(ward.ground)

    assert (found.status, found.value, found.facts["waiting"]) == (FAIL, 3600, 1)


@pytest.mark.parametrize(("kind", "name"), [("queue", "research"), ("job_type", "auto_login")])
def test_what_a_person_paused_is_no_backlog(ward: Ward, kind: str, name: str) -> None:
    ward.job(waited=7200, queue="research", job_type="auto_login", job_id=uuid4())
    ward.insert(job_pauses, kind=kind, name=name, paused_by="asha", paused_at=ward.clock.now())

    found = find_backlog(ward.ground)

    assert (found.status, found.value, found.facts["paused"]) == (PASS, 0, 1)


def test_how_long_a_job_may_wait_is_configured(ward: Ward) -> None:
    ward.job(waited=120)
    ward.ground.config.set(HEALTH, BACKLOG_MINUTES, 1, actor=MUNSHI)

    assert find_backlog(ward.ground).status is WARN
