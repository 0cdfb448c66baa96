"""DatabaseScheduler: due times become jobs once, edits count at once, nothing stops the others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from munshi.domain.jobs import JobState
from munshi.domain.schedules import ExecutionStatus
from scheduler.desk import ASHA, HOUR, MINUTE, Desk, every

FIRED = ExecutionStatus.FIRED


def test_a_due_time_becomes_one_row_and_one_job(desk: Desk) -> None:
    desk.config.set("jobs", "queue.night", {}, actor=ASHA)
    desk.save(every(15), priority=-5, queue="night")
    scheduler = desk.scheduler()
    early = scheduler.tick()
    desk.clock.advance(15 * MINUTE)

    fired = scheduler.tick()

    (row,) = desk.rows()
    (job,) = desk.stored_jobs()
    assert (early, fired) == (0, 1)
    assert (row.status, row.scheduled_for) == (FIRED, desk.clock.now())
    assert (row.job_id, row.success, row.execution_time) == (job.job_id, None, None)
    assert (job.job_type, job.parameters) == ("echo", {"text": "hello"})
    assert (job.schedule_name, job.created_by) == ("echo", "schedule:echo")
    assert (job.priority, job.queue) == (-5, "night")


def test_what_was_dealt_with_stays_so_after_a_restart(desk: Desk) -> None:
    desk.save(every(15))
    desk.scheduler().tick()
    desk.clock.advance(15 * MINUTE)
    desk.scheduler().tick()

    again = [desk.scheduler().tick() for _ in range(3)]

    assert again == [0, 0, 0]
    assert len(desk.stored_jobs()) == 1


def test_a_schedule_saved_while_no_scheduler_ran_counts_from_then_on(desk: Desk) -> None:
    desk.save(every(15))
    desk.clock.advance(16 * MINUTE)

    fired = desk.scheduler().tick()

    assert fired == 1
    assert desk.due_times(FIRED) == [desk.clock.now() - MINUTE]


def test_every_scheduler_goes_by_an_edit_at_its_next_look(desk: Desk) -> None:
    desk.save(every(60))
    first, second = desk.scheduler(), desk.scheduler()
    first.tick()
    second.tick()

    desk.save(every(5))
    desk.clock.advance(5 * MINUTE)

    assert second.tick() == 1
    assert first.tick() == 0


@pytest.mark.parametrize("is_disabled", [True, False])
def test_what_is_disabled_or_removed_starts_nothing_more(desk: Desk, *, is_disabled: bool) -> None:
    desk.save(every(5))
    scheduler = desk.scheduler()
    scheduler.tick()

    if is_disabled:
        desk.save(every(5), enabled=False)
    else:
        desk.remove()
    desk.clock.advance(HOUR)

    assert [scheduler.tick(), desk.scheduler().tick()] == [0, 0]
    assert desk.rows() == []


def test_a_schedule_enabled_again_misses_nothing_of_the_time_between(desk: Desk) -> None:
    desk.save(every(5), enabled=False)
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(HOUR)
    desk.save(every(5))
    scheduler.tick()
    desk.clock.advance(5 * MINUTE)

    scheduler.tick()

    assert [row.status for row in desk.rows()] == [FIRED]


def test_an_edit_that_meets_a_due_time_is_not_fired_by_the_old_version(desk: Desk) -> None:
    desk.save(every(5))
    late, quick = desk.scheduler(), desk.scheduler()
    late.tick()
    due = desk.clock.now() + 5 * MINUTE
    desk.clock.advance(5 * MINUTE)
    desk.clock.advance(timedelta(seconds=1))
    desk.save(every(7))

    fired = [quick.tick(), late.tick()]

    (row,) = desk.rows()
    assert fired == [0, 0]
    assert (row.status, row.scheduled_for) == (ExecutionStatus.MISSED, due)
    assert row.error_details == "The schedule was changed before a scheduler came to start this."


def test_an_edit_that_leaves_the_timing_alone_loses_no_run(desk: Desk) -> None:
    desk.save(every(5))
    desk.scheduler().tick()
    desk.clock.advance(6 * MINUTE)
    desk.save(every(5), priority=7)

    fired = desk.scheduler().tick()

    assert fired == 1
    assert [job.priority for job in desk.stored_jobs()] == [7]


def test_the_old_short_form_is_fired_as_it_always_read(desk: Desk) -> None:
    old = {
        "job_type": "echo",
        "parameters": {"text": "kite"},
        "times": ["10:15", "12:35"],
        "weekdays_only": True,
        "enabled": True,
    }
    desk.config.set("scheduler", "schedule.kite", old, actor=ASHA)
    scheduler = desk.scheduler()
    scheduler.tick()
    for _ in range(3 * 24 * 4):
        desk.clock.advance(15 * MINUTE)
        scheduler.tick()

    assert desk.due_times(FIRED, "kite") == [
        datetime(2026, 11, 20, 4, 45, tzinfo=UTC),
        datetime(2026, 11, 20, 7, 5, tzinfo=UTC),
    ]


def test_the_row_tells_what_the_job_really_did(desk: Desk) -> None:
    desk.save(every(5))
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(5 * MINUTE)
    scheduler.tick()
    desk.clock.advance(timedelta(seconds=2))

    desk.work()

    (row,) = desk.rows()
    assert (row.success, row.error_details, row.retry_count) == (True, None, 0)
    assert (row.execution_time, row.duration_ms) == (desk.clock.now(), 0)
    assert row.result_message == "Echoing hello."


def test_a_job_that_fails_leaves_its_error_in_the_row(desk: Desk) -> None:
    desk.save(every(5), job_type="raise_badly", parameters={"text": "ZeroDivisionError"})
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(5 * MINUTE)
    scheduler.tick()

    desk.work()

    (row,) = desk.rows()
    assert (row.success, row.error_details) == (False, "ZeroDivisionError: division by zero")


def test_a_job_that_ends_without_a_worker_is_told_in_the_row_too(desk: Desk) -> None:
    desk.save(every(5))
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(5 * MINUTE)
    scheduler.tick()
    (job,) = desk.stored_jobs()
    desk.jobs.cancel(job.job_id, actor=ASHA)
    desk.clock.advance(timedelta(seconds=30))

    scheduler.tick()

    (row,) = desk.rows()
    assert desk.jobs.get(job.job_id).state is JobState.CANCELLED
    assert (row.success, row.execution_time) == (False, None)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"job_type": "vanished", "parameters": {}}, "There is no job type 'vanished'."),
        ({"parameters": {"words": 3}}, "The one parameter is text."),
    ],
)
def test_a_bad_schedule_leaves_a_row_and_an_alert_and_the_others_go_on(
    desk: Desk, broken: dict[str, Any], said: str
) -> None:
    desk.save(every(5), name="broken", **broken)
    desk.save(every(5), name="sound")
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(5 * MINUTE)

    fired = scheduler.tick()

    (row,) = desk.rows("broken")
    (alert,) = desk.open_alerts()
    assert fired == 1
    assert (row.status, row.success, row.job_id) == (ExecutionStatus.FAILED, False, None)
    assert (row.error_details, alert.fingerprint) == (said, "schedule_failed:broken")
    assert said in alert.title
    assert desk.due_times(FIRED, "sound") == [desk.clock.now()]


def test_a_schedule_that_works_again_puts_its_alert_away(desk: Desk) -> None:
    desk.save(every(5), parameters={})
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(5 * MINUTE)
    scheduler.tick()
    raised = len(desk.open_alerts())

    desk.save(every(5))
    scheduler.tick()

    assert (raised, desk.open_alerts()) == (1, [])


def test_a_stored_document_that_cannot_be_read_is_told_once(desk: Desk) -> None:
    with desk.database.transaction() as tx:
        tx.config.save_scheduler_config(
            "broken", {"job_type": "echo"}, updated_by="hand", now=desk.clock.now()
        )
    desk.save(every(5), name="sound")
    schedulers = [desk.scheduler() for _ in range(3)]
    for scheduler in schedulers:
        scheduler.tick()
    desk.clock.advance(5 * MINUTE)

    fired = sum(scheduler.tick() for scheduler in schedulers)

    (row,) = desk.rows("broken")
    assert (fired, row.status) == (1, ExecutionStatus.FAILED)
    assert row.error_details == "broken lacks enabled, parameters, trigger."
    assert [alert.fingerprint for alert in desk.open_alerts()] == ["schedule_failed:broken"]
