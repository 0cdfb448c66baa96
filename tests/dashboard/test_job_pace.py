"""How jobs get on over hours, from stored rows."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from desks import TESTER, Desk
from munshi.domain.jobs import HEALTH_SWEEP, JobState
from munshi.infrastructure.database.job_pace_repository import DeadJob
from munshi.jobs.pace import Spread, group_dead, spread_of

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def _dead(error: str | None, job_type: str = "backtest", hours: int = 0) -> DeadJob:
    return DeadJob(uuid4(), job_type, error, NOON - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("seconds", "spread"),
    [
        ([], None),
        ([None], None),
        ([3.0], Spread(middle=3.0, slow=3.0)),
        ([4.0, None, 1.0, 2.0, 3.0], Spread(middle=2.0, slow=4.0)),
        ([float(n) for n in range(1, 101)], Spread(middle=50.0, slow=95.0)),
    ],
)
def test_half_and_nineteen_of_twenty_are_told_by_the_nearest_rank(
    seconds: list[float | None], spread: Spread | None
) -> None:
    assert spread_of(seconds) == spread


def test_errors_that_differ_in_numbers_and_ids_are_one_group() -> None:
    dead = [
        _dead(f"Job {uuid4()} waited 12.5 s on 2026-11-20."),
        _dead(None, "echo", hours=1),
        _dead(f"Job {uuid4()} waited 3 s on 2026-11-19.", "echo", hours=2),
    ]

    groups = group_dead(dead)

    assert [(each.jobs, each.job_types) for each in groups] == [
        (2, ("backtest", "echo")),
        (1, ("echo",)),
    ]
    assert groups[0].newest == dead[0].job_id
    assert groups[1].error == "It left no word."


def test_steps_tell_what_was_made_waited_ran_and_failed(desk: Desk) -> None:
    desk.clock.set(NOON)
    worker = desk.services.worker()
    job = desk.services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER)
    desk.clock.advance(timedelta(seconds=7))
    worker.run_until_idle()
    desk.clock.advance(timedelta(minutes=30))
    desk.services.jobs.enqueue("auto_login", {"service": "kite"}, actor=TESTER)
    desk.clock.advance(timedelta(minutes=1))
    worker.run_until_idle()
    ended = desk.services.jobs.get(job.job_id)
    desk.clock.advance(timedelta(minutes=1))

    steps = desk.services.job_watch.pace(now=desk.clock.now(), hours=24)

    assert len(steps) == 24
    assert ended.state is JobState.SUCCEEDED
    assert sum(step.made for step in steps) == 2
    assert steps[-1].waits == Spread(middle=7.0, slow=60.0)
    assert sum(step.made for step in steps[:-1]) == 0
    assert steps[0].waits is None
