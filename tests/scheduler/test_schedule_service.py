"""ScheduleService on a whole desk: what people see and change of schedules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from desks import TESTER, Desk, open_desk
from munshi.bootstrap import Services
from munshi.domain.enums import Service
from munshi.domain.jobs import JobState
from munshi.domain.schedules import ExecutionStatus
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES, SeededSchedule
from munshi.errors import (
    ConfigValueInvalidError,
    ConfigVersionConflictError,
    JobParametersInvalidError,
    JobTypeUnknownError,
    RequestInvalidError,
    ScheduleSeededError,
    ScheduleUnknownError,
)
from munshi.settings import Settings
from simulators import Simulator

LOGIN: dict[str, Any] = {
    "job_type": "auto_login",
    "parameters": {"service": "kite"},
    "trigger": {"kind": "times", "times": ["11:00", "12:00"], "weekdays_only": True},
    "enabled": True,
}
NAME = "noon"


@pytest.fixture
def desk(desk_settings: Settings, simulator: Simulator) -> Iterator[Desk]:
    """The whole desk, not only its schedules."""
    with open_desk(desk_settings, simulator) as opened:
        yield opened


@pytest.fixture
def seeded(services: Services) -> Services:
    services.config.seed()
    return services


def audited(services: Services, name: str) -> list[str]:
    with services.database.reading() as tx:
        found = tx.audit.get_logs_by_entity("config", f"scheduler/schedule.{name}")
    return [entry.user_id for entry in found]


def test_every_schedule_is_listed_with_its_timing_and_its_next_runs(seeded: Services) -> None:
    views = {view.name: view for view in seeded.schedules.list_all()}

    kite = views["kite_login"]
    assert list(views) == sorted(views)
    assert kite.timing == "at 06:15 and 07:35 IST, Monday to Friday"
    assert kite.next_runs[:2] == (
        datetime(2026, 11, 23, 0, 45, tzinfo=UTC),
        datetime(2026, 11, 23, 2, 5, tzinfo=UTC),
    )
    assert (len(kite.next_runs), kite.last, kite.missed, kite.error) == (5, None, 0, None)
    assert all(view.is_seeded and view.description for view in views.values())


@pytest.mark.parametrize("seed", SEEDED_SCHEDULES, ids=lambda seed: seed.name)
def test_every_schedule_of_the_desk_can_be_started(
    services: Services, seed: SeededSchedule
) -> None:
    view = services.schedules.preview(seed.name, seed.document)

    assert view.error is None
    assert view.next_runs


def test_a_schedule_is_stored_with_history_and_audit_and_fires(services: Services) -> None:
    stored = services.schedules.set(NAME, LOGIN, actor=TESTER)
    scheduler = services.scheduler()
    scheduler.tick()
    services.clock.sleep(3600)
    fired = scheduler.tick()

    view = services.schedules.get(NAME)
    assert (stored.version, stored.is_seeded, fired) == (1, False, 1)
    assert view.last is not None
    assert view.last.status is ExecutionStatus.FIRED
    assert services.job_wake.take()
    assert audited(services, NAME) == ["tester"]


def test_a_preview_says_when_and_stores_nothing(services: Services) -> None:
    view = services.schedules.preview(NAME, LOGIN)

    assert view.next_runs[0] == datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
    with pytest.raises(ScheduleUnknownError):
        services.schedules.get(NAME)


@pytest.mark.parametrize(
    ("name", "change", "error"),
    [
        ("No Name", {}, RequestInvalidError),
        ("n" * 62, {}, RequestInvalidError),
        (NAME, {"job_type": "auto_logout"}, JobTypeUnknownError),
        (NAME, {"parameters": {"service": "zerodha"}}, JobParametersInvalidError),
        (NAME, {"trigger": {"kind": "cron", "expression": "0 0 31 2 *"}}, ConfigValueInvalidError),
        (
            NAME,
            {"trigger": {"kind": "cron", "expression": "0 0 * * *", "zone": "Mars/Base"}},
            ConfigValueInvalidError,
        ),
    ],
)
def test_what_can_never_run_is_refused_when_it_is_saved(
    services: Services, name: str, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        services.schedules.set(name, {**LOGIN, **change}, actor=TESTER)

    assert services.schedules.list_all() == []


def test_who_was_slower_is_told(services: Services) -> None:
    services.schedules.set(NAME, LOGIN, actor=TESTER)

    with pytest.raises(ConfigVersionConflictError):
        services.schedules.set(NAME, LOGIN, expected_version=0, actor=TESTER)


def test_a_paused_schedule_has_no_next_run_until_it_is_resumed(seeded: Services) -> None:
    paused = seeded.schedules.pause("kite_login", actor=TESTER)
    again = seeded.schedules.pause("kite_login", actor=TESTER)
    resumed = seeded.schedules.resume("kite_login", actor=TESTER)

    assert (paused.enabled, paused.next_runs) == (False, ())
    assert (again.version, resumed.version) == (paused.version, paused.version + 1)
    assert len(resumed.next_runs) == 5


def test_what_munshi_brings_can_be_paused_but_not_removed(seeded: Services) -> None:
    seeded.schedules.set(NAME, LOGIN, actor=TESTER)

    seeded.schedules.remove(NAME, actor=TESTER)
    with pytest.raises(ScheduleSeededError, match="munshi schedule pause kite_login"):
        seeded.schedules.remove("kite_login", actor=TESTER)

    assert NAME not in {view.name for view in seeded.schedules.list_all()}


def test_a_default_put_back_is_a_schedule_again(seeded: Services) -> None:
    seeded.schedules.set("kite_login", LOGIN, actor=TESTER)

    seeded.config.set("scheduler", "schedule.kite_login", None, actor=TESTER)

    assert seeded.schedules.get("kite_login").timing == "at 06:15 and 07:35 IST, Monday to Friday"


def test_a_run_on_demand_is_a_job_with_a_row_beside_the_due_times(services: Services) -> None:
    services.schedules.set(NAME, {**LOGIN, "enabled": False}, actor=TESTER)

    jobs = [services.schedules.run(NAME, actor=TESTER) for _ in range(2)]
    services.worker().run_until_idle()

    rows = services.schedules.history(NAME)
    assert [job.created_by for job in jobs] == ["tester", "tester"]
    assert {row.status for row in rows} == {ExecutionStatus.ON_DEMAND}
    assert {row.job_id for row in rows} == {job.job_id for job in jobs}
    assert {(row.success, row.platform) for row in rows} == {(True, "kite")}
    assert {services.jobs.get(job.job_id).state for job in jobs} == {JobState.SUCCEEDED}


def test_a_login_by_link_is_told_in_the_row_once_a_person_has_clicked(desk: Desk) -> None:
    services = desk.services
    services.config.set("auth", "simulated_headless", value=False, actor=TESTER)
    services.schedules.set(NAME, LOGIN, actor=TESTER)
    scheduler = services.scheduler()
    scheduler.tick()
    services.clock.sleep(3600)
    scheduler.tick()
    services.worker().run_until_idle()
    waiting = services.schedules.get(NAME).last
    alerts = services.alerts.list_open()

    desk.log_in(Service.KITE)
    services.clock.sleep(10)
    scheduler.tick()

    told = services.schedules.get(NAME).last
    assert waiting is not None
    assert (waiting.success, [alert.kind for alert in alerts]) == (None, ["broker_login"])
    assert told is not None
    assert (told.success, told.result_message) == (True, "Logged in.")


def test_history_of_what_never_was_names_what_is_near(seeded: Services) -> None:
    with pytest.raises(ScheduleUnknownError, match="Did you mean kite_login"):
        seeded.schedules.history("kite_logon")
    with pytest.raises(RequestInvalidError):
        seeded.schedules.history("kite_login", limit=0)


def test_the_history_of_a_removed_schedule_stays(services: Services) -> None:
    services.schedules.set(NAME, LOGIN, actor=TESTER)
    services.schedules.run(NAME, actor=TESTER)

    services.schedules.remove(NAME, actor=TESTER)

    assert len(services.schedules.history(NAME)) == 1


def test_a_schedule_that_cannot_be_read_is_listed_with_the_reason(services: Services) -> None:
    with services.database.transaction() as tx:
        now = services.clock.now()
        tx.config.save_scheduler_config("Odd Name", {"times": []}, updated_by="hand", now=now)

    (view,) = services.schedules.list_all()

    assert (view.timing, view.enabled, view.next_runs) == ("cannot be read", False, ())
    assert "must be a list of times" in str(view.error)
    with pytest.raises(RequestInvalidError, match="cannot be started"):
        services.schedules.run("Odd Name", actor=TESTER)


def test_misses_of_a_month_are_counted(services: Services) -> None:
    services.schedules.set(
        NAME,
        {**LOGIN, "trigger": {"kind": "interval", "every": 1, "unit": "hours"}},
        actor=TESTER,
    )
    scheduler = services.scheduler()
    scheduler.tick()
    services.clock.sleep(timedelta(days=2).total_seconds())
    scheduler.tick()

    assert services.schedules.get(NAME).missed == 47
