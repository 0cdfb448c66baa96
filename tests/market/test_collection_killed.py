"""A collection in parts whose worker is killed: no bar is lost, none is there twice."""

import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from desks import TESTER, Desk, open_desk
from market.collecting_process import start_collecting
from munshi.domain.config_keys import MARKET, PART_REQUESTS
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION, JobState
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.settings import load_settings
from simulators import Simulator

pytestmark = pytest.mark.timeout(300)
# Three parts, of which two run at a time, each of seven requests.
ASKED = CollectionParams(
    broker=Service.BREEZE,
    instruments=("NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"),
    interval=Interval.ONE_MINUTE,
    start=date(2026, 11, 2),
    end=date(2026, 11, 19),
)
AT_ONCE = 2
KILLED_AFTER = (4, 11)
SECONDS = 60.0
LEASE_AND_MORE = timedelta(minutes=2)


@pytest.fixture
def killed_desk(any_database_url: str, simulator: Simulator, tmp_path: Path) -> Iterator[Desk]:
    settings = load_settings(
        _env_file=None, home=tmp_path, database_url=any_database_url, env_file=tmp_path / ".env"
    )
    with open_desk(settings, simulator) as opened:
        yield opened


def history_calls(desk: Desk) -> int:
    asked = desk.simulator.arrivals(service=Service.BREEZE)
    return sum("historical" in arrival.path for arrival in asked)


def wait_for_calls(desk: Desk, worker: "subprocess.Popen[bytes]", count: int) -> None:
    deadline = time.monotonic() + SECONDS
    while history_calls(desk) < count:
        assert worker.poll() is None, f"the worker ended after {history_calls(desk)} calls"
        assert time.monotonic() < deadline, f"{history_calls(desk)} calls of {count}"
        time.sleep(0.01)


def test_a_killed_collection_goes_on_where_it_stopped(killed_desk: Desk) -> None:
    services, clock = killed_desk.services, killed_desk.clock
    killed_desk.log_in(Service.BREEZE)
    services.config.set(MARKET, PART_REQUESTS, 7, actor=TESTER)
    planned = services.collection.plan(ASKED)
    job = services.jobs.enqueue(DATA_COLLECTION, ASKED.to_json(), actor=TESTER)
    killed_desk.simulator.fault(FaultKind.LATE, service="breeze", seconds=0.1)

    for count in KILLED_AFTER:
        worker = start_collecting(
            services.settings, brokers=killed_desk.simulator.url, now=clock.now()
        )
        try:
            wait_for_calls(killed_desk, worker, count)
        finally:
            worker.kill()
            worker.wait(SECONDS)
        clock.advance(LEASE_AND_MORE)
    killed_desk.simulator.mend()
    made = history_calls(killed_desk)
    services.worker().run_until_idle()

    ended = services.jobs.get(job.job_id)
    assert (planned["requests"], planned["parts"]) == (21, 3)
    assert made < planned["requests"]
    assert ended.state is JobState.SUCCEEDED
    assert ended.result_data is not None
    assert ended.result_data["bars_missing"] == 0
    for name in ASKED.instruments:
        page = services.candles.page(InstrumentRef.parse(name), ASKED.interval, limit=100_000)
        assert page.frame.height == page.frame["opens"].n_unique() == 13 * 375
    # Each kill may cost the request that was under way in each of the parts that ran.
    calls = history_calls(killed_desk)
    assert planned["requests"] <= calls <= planned["requests"] + AT_ONCE * len(KILLED_AFTER)
    [limit] = [one for one in services.limits.list_limits() if one.name == "breeze.api"]
    assert limit.daily_used >= calls
    assert services.collection.plan(ASKED)["requests"] == 0
