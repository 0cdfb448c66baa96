"""The day of each schedule: done, running, missed and next."""

from datetime import UTC, datetime, timedelta

from asgi import Caller
from desks import TESTER, Desk
from munshi.scheduler.day import RunState

MORNING = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday 06:30 IST
EVERY_MINUTE = {
    "job_type": "health_sweep",
    "parameters": {},
    "trigger": {"kind": "interval", "every": 5, "unit": "minutes"},
    "enabled": True,
}


def _states(desk: Desk, name: str) -> list[RunState]:
    (day,) = [each for each in desk.services.schedule_days.today() if each.name == name]
    return [run.state for run in day.runs]


def test_a_day_goes_from_next_to_running_to_done_or_failed(desk: Desk, schedule: str) -> None:
    desk.clock.set(MORNING - timedelta(hours=2))
    services = desk.services
    services.schedules.pause(schedule, actor=TESTER)
    services.schedules.resume(schedule, actor=TESTER)
    scheduler = services.scheduler()
    scheduler.tick()
    assert _states(desk, schedule) == [RunState.NEXT, RunState.NEXT]

    desk.clock.set(datetime(2026, 11, 20, 0, 45, 1, tzinfo=UTC))  # 06:15:01
    scheduler.tick()
    assert _states(desk, schedule) == [RunState.RUNNING, RunState.NEXT]

    (job,) = services.jobs.recent(10).jobs
    services.jobs.cancel(job.job_id, actor=TESTER)
    scheduler.tick()
    desk.clock.set(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))  # Saturday
    scheduler.tick()
    assert _states(desk, schedule) == []


def test_what_is_due_often_is_told_as_counts(desk: Desk, local: Caller) -> None:
    desk.clock.set(MORNING)
    desk.services.schedules.set("often", EVERY_MINUTE, actor=TESTER)
    scheduler = desk.services.scheduler()
    scheduler.tick()
    for _ in range(3):
        desk.clock.advance(timedelta(minutes=5))
        scheduler.tick()

    (day,) = desk.services.schedule_days.today()

    assert day.runs == ()
    assert day.counts == {RunState.RUNNING: 3}
    assert day.next_due == datetime(2026, 11, 20, 1, 20, tzinfo=UTC)
    assert "3 running" in local.get("/ui/").text
