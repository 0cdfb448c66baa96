"""A long download meets the end of a login, another login, a clock that is off, and an outage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auth.desks_anywhere import alerts_about, audited, open_anywhere, settings_at, state_of
from clocks import FakeClock, OffClock
from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION, Job, JobState
from munshi.domain.market.intervals import Interval
from munshi.domain.sessions import SessionState
from munshi.errors import BrokerSessionExpiredError, LoginNeededError
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from simulators import Simulator

both = pytest.mark.parametrize("service", list(Service))
INDICES = ("NSE:NIFTY 50", "NSE:NIFTY BANK")
# A moment before the logins of Friday end: at midnight, and at six on Saturday.
ALMOST = timedelta(seconds=25)
ENDS = {
    Service.KITE: datetime(2026, 11, 21, 0, 30, tzinfo=UTC),
    Service.BREEZE: datetime(2026, 11, 20, 18, 30, tzinfo=UTC),
}
# A few requests for each index.
FIRST = {Service.KITE: date(2025, 12, 1), Service.BREEZE: date(2026, 8, 3)}
REQUESTS = {Service.KITE: 8, Service.BREEZE: 12}


def wanted(service: Service) -> CollectionParams:
    return CollectionParams(
        broker=service,
        instruments=INDICES,
        interval=Interval.FIVE_MINUTES,
        start=FIRST[service],
        end=date(2026, 11, 20),
    )


def be_slow(desk: Desk) -> None:
    """A request each ten seconds, so that time passes while it downloads."""
    for limit in ("kite.historical", "breeze.api"):
        slow = {"requests": 1, "seconds": 10}
        desk.services.config.set("api", f"limit.{limit}", slow, actor=TESTER)


def ask(desk: Desk, service: Service) -> Job:
    parameters = wanted(service).to_json()
    return desk.services.jobs.enqueue(DATA_COLLECTION, parameters, actor=TESTER)


def work(desk: Desk, job: Job) -> Job:
    # The job waits for minutes of the test's clock, while its worker's keeper waits for seconds.
    patient = desk.services.settings.model_copy(update={"lease_seconds": 7200.0})
    replace(desk.services, settings=patient).worker().run_until_idle()
    return desk.services.jobs.get(job.job_id)


def asked(desk: Desk, service: Service) -> int:
    """How many requests for candles the broker saw."""
    calls = desk.simulator.arrivals(service=service)
    return sum("historical" in call.path for call in calls)


def bars(job: Job) -> list[tuple[int, int]]:
    """Present and expected, by instrument."""
    report: Any = job.result_data
    return [(part["bars_present"], part["bars_expected"]) for part in report["instruments"]]


@pytest.fixture
def anywhere(
    any_database_url: str, tmp_path: Path, simulator: Simulator
) -> Callable[[FakeClock | None], Any]:
    settings = settings_at(tmp_path, any_database_url)
    return lambda clock: open_anywhere(settings, simulator, clock=clock)


@both
def test_a_download_over_the_end_of_the_login_stops_goes_on_and_is_whole(
    anywhere: Callable[[FakeClock | None], Any], simulator: Simulator, service: Service
) -> None:
    with anywhere(None) as desk:
        be_slow(desk)
        simulator.clock.set(ENDS[service] - timedelta(hours=5))
        desk.log_in(service)
        simulator.clock.set(ENDS[service] - ALMOST)
        paused = work(desk, ask(desk, service))
        before, state = asked(desk, service), state_of(desk, service)
        told = alerts_about(desk, service)
        rejections = audited(desk, service, "session_rejected")
        simulator.clock.advance(timedelta(hours=2))
        desk.log_in(service)
        done = work(desk, paused)

    assert (paused.state, state) == (JobState.PAUSED, SessionState.EXPIRED)
    assert 1 <= before < REQUESTS[service]
    assert rejections == []
    assert len(told) == 1
    assert done.state is JobState.SUCCEEDED
    assert all(present == expected > 3000 for present, expected in bars(done))
    # Nothing that was there was asked for again, and nothing was asked with a login that was over.
    assert asked(desk, service) == REQUESTS[service]


@pytest.mark.parametrize("minutes", [-5, 5])
@both
def test_on_a_clock_that_is_off_the_end_costs_one_refusal_at_most(
    anywhere: Callable[[FakeClock | None], Any],
    simulator: Simulator,
    service: Service,
    minutes: int,
) -> None:
    """A clock that is slow believes in the login for too long; a fast one stops too early."""
    simulator.clock.set(ENDS[service] - timedelta(hours=5))
    mine = OffClock(simulator.clock, ahead=timedelta(minutes=minutes))
    with anywhere(mine) as desk:
        be_slow(desk)
        desk.log_in(service)
        # Whichever of the two comes to the end first is a second before it.
        before_end = ENDS[service] - ALMOST - timedelta(minutes=max(minutes, 0))
        simulator.clock.set(before_end)
        mine.set(before_end + timedelta(minutes=minutes))
        paused = work(desk, ask(desk, service))
        rejections = len(audited(desk, service, "session_rejected"))
        asked_before = asked(desk, service)
        mine.advance(timedelta(minutes=20))
        desk.log_in(service)
        done = work(desk, paused)

    assert paused.state is JobState.PAUSED
    assert rejections == (1 if minutes < 0 else 0)
    assert 1 <= asked_before < REQUESTS[service]
    assert done.state is JobState.SUCCEEDED
    assert all(present == expected for present, expected in bars(done))


def test_a_newer_login_elsewhere_costs_one_refusal_and_is_said(
    desk: Desk, simulator: Simulator
) -> None:
    """Kite ends the token of this desk when somebody logs in with the same app."""
    desk.log_in(Service.KITE)
    params = wanted(Service.KITE)

    def look(_: float, __: str) -> None:
        if asked(desk, Service.KITE) == 2 and state_of(desk, Service.KITE).is_good:
            simulator.kite_access_token()

    with pytest.raises(BrokerSessionExpiredError):
        desk.services.collection.collect(params, progress=look)
    before = asked(desk, Service.KITE)
    with pytest.raises(LoginNeededError):
        desk.services.collection.collect(params, progress=look)
    silent = asked(desk, Service.KITE)
    desk.log_in(Service.KITE)
    report = desk.services.collection.collect(params, progress=lambda *_: None)

    assert before == silent == 3
    assert len(audited(desk, Service.KITE, "session_rejected")) == 1
    assert [part["gap_count"] for part in report["instruments"]] == [0, 0]


@both
def test_a_login_here_while_a_download_runs_disturbs_nothing(desk: Desk, service: Service) -> None:
    desk.log_in(service)
    logins: list[int] = []

    def look(_: float, __: str) -> None:
        if len(logins) < 3:
            logins.append(asked(desk, service))
            desk.log_in(service)

    report = desk.services.collection.collect(wanted(service), progress=look)

    assert len(logins) == 3
    assert audited(desk, service, "session_rejected") == []
    assert [part["gap_count"] for part in report["instruments"]] == [0, 0]


@both
def test_a_download_waits_out_an_outage_of_ten_minutes_with_few_calls(
    desk: Desk, simulator: Simulator, service: Service
) -> None:
    desk.log_in(service)
    began = desk.clock.now()
    simulator.fault(FaultKind.UNAVAILABLE, service=service)
    said: set[str] = set()
    mended: list[bool] = []

    def look(_: float, message: str) -> None:
        said.add(message.partition(" ")[0])
        if not mended and desk.clock.now() - began > timedelta(minutes=10):
            mended.append(True)
            simulator.mend()

    report = desk.services.collection.collect(wanted(service), progress=look)

    failed = sum(call.status == 503 for call in simulator.arrivals(service=service))
    assert {"Trying", "Waiting"} <= said
    assert failed <= 16
    assert [part["gap_count"] for part in report["instruments"]] == [0, 0]
    assert alerts_about(desk, service) == []


def test_an_outage_that_does_not_end_puts_the_job_off_and_keeps_what_was_fetched(
    desk: Desk, simulator: Simulator
) -> None:
    desk.log_in(Service.KITE)
    simulator.fault(FaultKind.UNAVAILABLE, service="kite")

    job = work(desk, ask(desk, Service.KITE))

    assert job.state is JobState.SCHEDULED
    assert "left alone until" in (job.error_details or "")
    assert [title[:15] for title in alerts_about(desk, Service.KITE)] == ["Kite has failed"]
