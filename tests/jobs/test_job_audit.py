"""What the audit keeps of jobs: one row for a fan-out, one for a family, one for a wait."""

from datetime import timedelta
from uuid import UUID

from jobs.desk import ASHA, Desk
from jobs.handlers import REGISTRY
from munshi.domain.audit import AuditEntry
from munshi.domain.enums import Service
from munshi.domain.jobs import JobEnding, NewJob, new_job_id
from munshi.jobs.endings import after_fan_out, after_pause, record_ending
from munshi.jobs.stops import JobPaused


def rows(desk: Desk, job_id: UUID) -> list[AuditEntry]:
    """Oldest first."""
    with desk.database.reading() as tx:
        return tx.audit.get_logs_by_entity("job", str(job_id))[::-1]


def child_of(parent_id: UUID, desk: Desk) -> NewJob:
    now = desk.clock.now()
    return NewJob(
        job_id=new_job_id(now),
        job_type="echo",
        parameters={"text": "part"},
        max_attempts=1,
        run_at=now,
        created_by="asha",
        parent_id=parent_id,
    )


def end(desk: Desk, job_id: UUID, ending: JobEnding) -> None:
    job = desk.claim("w", lease=timedelta(minutes=1))
    assert job.job_id == job_id
    with desk.database.transaction() as tx:
        record_ending(tx, job, ending, spec=REGISTRY[job.job_type], now=desk.clock.now())


def fan_out(desk: Desk, parts: int) -> UUID:
    job_id = desk.ask("echo")
    end(desk, job_id, after_fan_out([child_of(job_id, desk) for _ in range(parts)]))
    return job_id


def test_a_fan_out_is_one_row_with_the_number_of_its_parts(desk: Desk) -> None:
    job_id = fan_out(desk, 3)

    asked, fanned = rows(desk, job_id)

    assert (asked.action, fanned.action) == ("enqueue", "fan_out")
    assert fanned.details == {
        "job_type": "echo",
        "attempt": 1,
        "parts": 3,
        "job_types": {"echo": 3},
    }
    with desk.database.reading() as tx:
        parts = tx.jobs.list_children(job_id)
    assert [rows(desk, part.job_id) for part in parts] == [[], [], []]


def test_a_family_is_cancelled_in_one_row_that_counts_the_parts(desk: Desk) -> None:
    job_id = fan_out(desk, 3)

    desk.service.cancel(job_id, actor=ASHA)

    cancelled = rows(desk, job_id)[-1]
    assert (cancelled.action, cancelled.user_id, cancelled.request_id) == ("cancel", "asha", "r-1")
    assert cancelled.old_value == {"state": "waiting"}
    assert cancelled.new_value == {"state": "cancelled", "cancel_requested": True}
    assert cancelled.details is not None
    assert cancelled.details["parts"] == 3
    with desk.database.reading() as tx:
        parts = tx.jobs.list_children(job_id)
    assert {part.state for part in parts} == {"cancelled"}


def test_a_job_that_waits_for_a_login_says_for_which(desk: Desk) -> None:
    job_id = desk.ask("echo")

    end(desk, job_id, after_pause(JobPaused(Service.KITE, "http://localhost/login")))

    paused = rows(desk, job_id)[-1]
    assert (paused.action, paused.new_value) == ("paused", {"state": "paused"})
    assert paused.details is not None
    assert paused.details["waits_for_service"] == "kite"
    assert "http" not in str(paused.details)


def test_a_retry_and_a_discard_say_what_stood_before(desk: Desk) -> None:
    job_id = desk.ask("echo")
    desk.service.cancel(job_id, actor=ASHA)
    desk.service.retry(job_id, actor=ASHA)
    desk.service.cancel(job_id, actor=ASHA)

    desk.service.discard(job_id, actor=ASHA)

    found = [(row.action, (row.old_value or {}).get("state")) for row in rows(desk, job_id)]
    assert found == [
        ("enqueue", None),
        ("cancel", "queued"),
        ("retry", "cancelled"),
        ("cancel", "queued"),
        ("discard", "cancelled"),
    ]
