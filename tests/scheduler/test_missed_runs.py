"""What a scheduler makes of the time when none ran, and of clocks that step."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from munshi.domain.schedules import ExecutionStatus
from scheduler.desk import HOUR, MINUTE, Desk, every

FIRED, MISSED, GAP = ExecutionStatus.FIRED, ExecutionStatus.MISSED, ExecutionStatus.GAP


def away(desk: Desk, span: timedelta, trigger: dict[str, Any], **fields: Any) -> datetime:  # noqa: ANN401
    """Look once, be away for `span`, look again; when the time away began."""
    desk.save(trigger, **fields)
    desk.scheduler().tick()
    began = desk.clock.now()
    desk.clock.advance(span)
    desk.scheduler().tick()
    return began


def test_skip_leaves_what_is_later_than_its_grace(desk: Desk) -> None:
    began = away(desk, 14 * MINUTE, every(5), missed={"policy": "skip"}, grace_seconds=60)

    assert desk.due_times(FIRED) == []
    assert desk.due_times(MISSED) == [began + 5 * MINUTE, began + 10 * MINUTE]
    assert {row.error_details for row in desk.rows()} == {
        "No scheduler was at work; runs that are more than 1 minute late are skipped."
    }
    assert {(row.missed_count, row.success) for row in desk.rows()} == {(1, False)}


def test_skip_starts_the_newest_within_its_grace(desk: Desk) -> None:
    began = away(desk, 11 * MINUTE, every(5), missed={"policy": "skip"}, grace_seconds=60)

    assert desk.due_times(FIRED) == [began + 10 * MINUTE]
    assert desk.due_times(MISSED) == [began + 5 * MINUTE]


def test_run_once_makes_up_for_the_newest_alone(desk: Desk) -> None:
    began = away(desk, 64 * MINUTE, every(20), missed={"policy": "run_once"}, grace_seconds=60)

    assert desk.due_times(FIRED) == [began + 60 * MINUTE]
    assert desk.due_times(MISSED) == [began + 20 * MINUTE, began + 40 * MINUTE]
    assert desk.rows()[0].error_details == "No scheduler was at work; a later run stands for it."


def test_run_once_gives_up_what_is_too_old_to_be_of_use(desk: Desk) -> None:
    rule = {"policy": "run_once", "within_seconds": 3600}
    daily = {"kind": "times", "times": ["11:00"]}

    away(desk, timedelta(hours=9), daily, missed=rule)

    (row,) = desk.rows()
    assert row.status is MISSED
    assert row.error_details == ("No scheduler was at work; a run is not made up for after 1 hour.")


def test_run_all_makes_up_for_the_newest_few_oldest_first(desk: Desk) -> None:
    rule = {"policy": "run_all", "most": 3}

    began = away(desk, 51 * MINUTE, every(10), missed=rule)

    made_up = [began + minutes * MINUTE for minutes in (30, 40, 50)]
    assert desk.due_times(FIRED) == made_up
    assert desk.due_times(MISSED) == [began + 10 * MINUTE, began + 20 * MINUTE]
    jobs = {row.scheduled_for: row.job_id for row in desk.rows() if row.job_id}
    assert {job.job_id: job.run_at for job in desk.stored_jobs()} == {
        job_id: due for due, job_id in jobs.items()
    }
    assert "no more than 3 are made up for at once" in str(desk.rows()[0].error_details)


@pytest.mark.parametrize(("missed", "rows"), [(20, 20), (21, 1)])
def test_more_than_twenty_missed_in_a_row_have_one_row(desk: Desk, missed: int, rows: int) -> None:
    began = away(desk, (missed + 1) * MINUTE, every(1))

    written = [row for row in desk.rows() if row.status is not FIRED]
    assert desk.due_times(FIRED) == [began + (missed + 1) * MINUTE]
    assert len(written) == rows
    assert sum(row.missed_count for row in written) == missed
    if rows == 1:
        assert (written[0].status, written[0].scheduled_for) == (GAP, began + MINUTE)
        assert written[0].missed_until == began + missed * MINUTE


def test_two_years_of_seconds_are_one_gap_at_once(desk: Desk) -> None:
    span = timedelta(days=730)

    began = away(desk, span, every(1, "seconds"))

    gap, fired = desk.rows()
    assert (gap.scheduled_for, gap.missed_count) == (
        began + timedelta(seconds=1),
        730 * 86_400 - 1,
    )
    assert fired.scheduled_for == began + span


def test_misses_are_counted_with_their_gaps(desk: Desk) -> None:
    began = away(desk, 5 * HOUR, every(1))

    with desk.database.reading() as tx:
        counted = tx.schedules.count_missed("echo", since=began)
        later = tx.schedules.count_missed("echo", since=desk.clock.now())

    assert (counted, later) == (299, 0)


def test_a_clock_that_steps_forward_misses_what_it_stepped_over(desk: Desk) -> None:
    desk.save(every(30), missed={"policy": "skip"}, grace_seconds=60)
    scheduler = desk.scheduler()
    scheduler.tick()
    began = desk.clock.now()
    desk.clock.set(began + 95 * MINUTE)

    fired = scheduler.tick()

    assert fired == 0
    assert desk.due_times(MISSED) == [began + minutes * MINUTE for minutes in (30, 60, 90)]


def test_a_clock_that_steps_back_starts_nothing_twice_and_nothing_late(desk: Desk) -> None:
    desk.save(every(10))
    scheduler, other = desk.scheduler(), desk.scheduler()
    began = desk.clock.now()
    for _ in range(3):
        scheduler.tick()
        other.tick()
        desk.clock.advance(10 * MINUTE)
    desk.clock.set(began + MINUTE)
    for _ in range(7):
        scheduler.tick()
        other.tick()
        desk.clock.advance(10 * MINUTE)

    assert desk.due_times(FIRED) == [began + turn * 10 * MINUTE for turn in range(1, 7)]
    assert len(desk.stored_jobs()) == 6


def test_a_clock_that_was_a_year_ahead_does_not_silence_the_schedule(desk: Desk) -> None:
    desk.save(every(10))
    scheduler = desk.scheduler()
    scheduler.tick()
    began = desk.clock.now()
    desk.clock.set(began + timedelta(days=365))
    scheduler.tick()
    ahead = desk.due_times(FIRED)
    desk.clock.set(began + MINUTE)
    scheduler.tick()
    desk.clock.advance(10 * MINUTE)

    fired = scheduler.tick()

    assert (len(ahead), fired) == (1, 1)
    assert desk.due_times(FIRED)[0] == began + 10 * MINUTE


def test_a_small_step_back_is_waited_for(desk: Desk) -> None:
    desk.save(every(10))
    scheduler = desk.scheduler()
    scheduler.tick()
    desk.clock.advance(10 * MINUTE)
    scheduler.tick()
    desk.clock.set(desk.clock.now() - timedelta(seconds=20))

    again = [scheduler.tick(), desk.scheduler().tick()]

    assert again == [0, 0]


LONDON_SPRING = datetime(2027, 3, 28, 0, 0, tzinfo=UTC)  # 01:00 GMT becomes 02:00 BST
LONDON_AUTUMN = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # 02:00 BST becomes 01:00 GMT at 01:00Z


@pytest.mark.parametrize(
    ("start", "expression", "due"),
    [
        (LONDON_SPRING, "30 1 * * *", ["01:00"]),
        (LONDON_SPRING, "30 * * * *", ["00:30", "01:30", "02:30", "03:30", "04:30"]),
        (LONDON_AUTUMN, "30 1 * * *", ["00:30"]),
        (LONDON_AUTUMN, "0 2 * * *", ["02:00"]),
        (LONDON_AUTUMN, "30 * * * *", ["22:30", "23:30", "00:30", "01:30", "02:30"]),
    ],
)
def test_daylight_saving_neither_drops_nor_doubles_a_run(
    desk: Desk, start: datetime, expression: str, due: list[str]
) -> None:
    desk.clock.set(start)
    desk.save({"kind": "cron", "expression": expression, "zone": "Europe/London"})
    scheduler = desk.scheduler()
    for _ in range(5 * 12 + 1):
        scheduler.tick()
        desk.clock.advance(5 * MINUTE)

    assert [f"{instant:%H:%M}" for instant in desk.due_times(FIRED)] == due
