"""The `price_stream` job in a real worker: until the close, a login's end, or somebody's word."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from clocks import FakeClock
from desks import TESTER, Desk
from made_candles import ist
from munshi.domain.enums import Service
from munshi.domain.jobs import PRICE_STREAM, Job, JobState
from munshi.domain.market.instruments import InstrumentRef
from munshi.errors import JobParametersInvalidError
from munshi.jobs.worker import Worker

PARAMETERS = {"broker": "kite", "instruments": ["NIFTY", "BANKNIFTY"], "until": None}
NIFTY = InstrumentRef("NSE", "NIFTY 50")


@pytest.fixture
def worker(desk: Desk) -> Iterator[Worker]:
    working = desk.services.worker()
    working.start()
    yield working
    let_go(working)


def ask(desk: Desk, **changed: object) -> Job:
    return desk.services.jobs.enqueue(PRICE_STREAM, {**PARAMETERS, **changed}, actor=TESTER)


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def let_go(working: Worker) -> None:
    """Hand its job back; a line that is still there would knock at the next test's broker."""
    working.stop(grace=1)
    wait_for(lambda: all(thread.name != "price-stream" for thread in threading.enumerate()))


def state(desk: Desk, job: Job) -> JobState:
    return desk.services.jobs.get(job.job_id).state


def is_on(desk: Desk) -> bool:
    return [on for _, on in desk.services.quotes.streams()] == [True]


def go_on(clock: FakeClock, seconds: int) -> None:
    """The exchange goes on and the job hears of it; leases, by the same clock, are renewed."""
    for _ in range(seconds // 5):
        clock.advance(timedelta(seconds=5))
        time.sleep(0.4)


@pytest.mark.usefixtures("worker")
def test_a_stream_lasts_until_the_time_it_was_given(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    job = ask(desk, until="10:31")
    wait_for(lambda: is_on(desk))

    go_on(desk.clock, 35)
    wait_for(lambda: state(desk, job).is_final)

    done = desk.services.jobs.get(job.job_id)
    assert done.state is JobState.SUCCEEDED
    assert done.result_data is not None
    assert done.result_data["instruments"] == ["NSE:NIFTY 50", "NSE:NIFTY BANK"]
    assert done.result_data["connections"] == 1
    assert done.result_data["gaps"] == 1
    assert desk.services.provisional.list(NIFTY)
    assert not is_on(desk)


def test_it_ends_at_once_where_there_is_no_market(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    said = []
    for moment in ("2026-11-22 11:00", "2026-11-23 15:45"):
        desk.clock.set(ist(moment))
        job = ask(desk)
        desk.services.worker().run_until_idle()
        said.append(desk.services.jobs.get(job.job_id).result_data)

    assert said == [
        {"summary": "The market is closed today."},
        {"summary": "The market has closed."},
    ]
    assert desk.simulator.arrivals(endpoint_class="ticker") == []


@pytest.mark.usefixtures("worker")
def test_a_rejected_login_pauses_it_and_the_next_login_wakes_it(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    job = ask(desk)
    wait_for(lambda: is_on(desk))

    desk.simulator.end_logins()
    wait_for(lambda: state(desk, job) is JobState.PAUSED)
    handshakes = len(desk.simulator.arrivals(endpoint_class="ticker"))
    time.sleep(1.5)
    later = len(desk.simulator.arrivals(endpoint_class="ticker"))
    alerts = [alert.subject for alert in desk.services.logins.desk_status().alerts]
    desk.log_in(Service.KITE)
    wait_for(lambda: is_on(desk))

    seen = [(a.status, a.fault) for a in desk.simulator.arrivals(endpoint_class="ticker")]
    assert (handshakes, later) == (2, 2), seen
    assert alerts
    assert state(desk, job) is JobState.RUNNING


@pytest.mark.usefixtures("worker")
def test_without_a_login_it_waits_for_one_and_opens_nothing(desk: Desk) -> None:
    job = ask(desk)
    wait_for(lambda: state(desk, job) is JobState.PAUSED)

    assert desk.simulator.arrivals(endpoint_class="ticker") == []


@pytest.mark.usefixtures("worker")
def test_a_stream_is_cancelled_like_any_job(desk: Desk) -> None:
    desk.log_in(Service.BREEZE)
    job = ask(desk, broker="breeze")
    wait_for(lambda: is_on(desk))

    desk.services.jobs.cancel(job.job_id, actor=TESTER)
    wait_for(lambda: state(desk, job) is JobState.CANCELLED)

    assert not is_on(desk)


def test_a_stream_goes_on_in_the_next_worker(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    first, second = desk.services.worker(), desk.services.worker()
    first.start()
    job = ask(desk)
    wait_for(lambda: is_on(desk))

    let_go(first)
    wait_for(lambda: not is_on(desk))
    second.start()
    wait_for(lambda: is_on(desk))
    let_go(second)

    assert not state(desk, job).is_final


@pytest.mark.parametrize(
    "changed",
    [
        {"until": "noon"}, {"until": "25:00"}, {"until": 1530}, {"until": "15:30+05:30"},
        {"broker": "nse"}, {"instruments": []}, {"instruments": ["nothing"]}, {"mode": "full"},
    ],
)  # fmt: skip
def test_what_cannot_be_streamed_is_refused_when_it_is_asked_for(
    desk: Desk, changed: dict[str, object]
) -> None:
    with pytest.raises(JobParametersInvalidError):
        ask(desk, **changed)
