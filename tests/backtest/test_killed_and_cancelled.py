"""Backtests and sweeps whose child is killed, or that are cancelled: nothing is half there."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from desks import TESTER, Desk, open_desk
from munshi.bootstrap import BrokerEndpoints, Services, open_services
from munshi.domain.jobs import BACKTEST, BACKTEST_SWEEP, BACKTEST_SWEEP_PART, Job, JobState
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame
from munshi.settings import Settings, load_settings
from simulators import Simulator

pytestmark = pytest.mark.timeout(240)
DAYS = (date(2024, 6, 10), date(2024, 6, 11))
SECONDS = 60.0
SOON = 40.0
# It says in which process it is, then stays where it is until somebody opens the gate.
STRATEGY = """
import os, time
from dataclasses import dataclass
from pathlib import Path
from munshi.domain.backtest.engine import Target

HERE = Path(__file__).parent

@dataclass
class Gated:
    every: int = 7
    stops: int = 0

    def decide(self, closed):
        if self.every == self.stops and len(closed) == 400 and not (HERE / "open").exists():
            (HERE / "name").write_text(str(os.getpid()))
            (HERE / "name").rename(HERE / "inside")
            while not (HERE / "open").exists():
                time.sleep(0.05)
        return Target.LONG if len(closed) // self.every % 2 else Target.SHORT
"""
ASKED = {
    "strategy": "gated.py",
    "parameters": {"every": 7, "stops": 7},
    "instrument": "NSE:NIFTY 50",
    "from": DAYS[0].isoformat(),
    "to": DAYS[-1].isoformat(),
}
SWEPT = {
    "base": {**ASKED, "parameters": {"stops": 9}},
    "grid": {"every": [5, 7, 9, 11]},
    "chunk": 2,
    "finalists": 1,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "gated.py").write_text(STRATEGY)
    return tmp_path


def settings_at(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Children of a worker find its desk as any process does, by the environment."""
    told = {"HOME": str(home), "DATABASE_URL": url, "ENV_FILE": str(home / ".env")}
    for name, value in told.items():
        monkeypatch.setenv(f"MUNSHI_{name}", value)
    return load_settings(_env_file=None)


@pytest.fixture
def gated_desk(
    any_database_url: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """With a clock that moves only when it is told: retries come when the test wants them."""
    with open_desk(settings_at(home, any_database_url, monkeypatch), simulator) as opened:
        store_minutes(opened.services)
        yield opened


@pytest.fixture
def timed(
    sqlite_url: str, simulator: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    """By the real clock, by which a child that does not listen is given time and then killed."""
    settings = settings_at(home, sqlite_url, monkeypatch)
    with open_services(settings, endpoints=BrokerEndpoints.at(simulator.url)) as services:
        store_minutes(services)
        yield services


def store_minutes(services: Services) -> None:
    random, price, bars = Random(4), 2_350_000, []  # noqa: S311
    for day in DAYS:
        for opens in MarketCalendar.packaged().bar_opens(day, Interval.ONE_MINUTE, Segment.CASH):
            close = price + random.randint(-500, 500)
            low, high = sorted((price, close))
            bars.append(
                Candle(
                    opens=opens,
                    open=price * 100,
                    high=high * 100,
                    low=low * 100,
                    close=close * 100,
                    volume=0,
                )
            )
            price = close
    key = CandleKey(
        mode=services.settings.brokers,
        source="import",
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.ONE_MINUTE,
    )
    services.candles.save(key, to_frame(bars), label="made up")


@contextmanager
def at_work(services: Services) -> Iterator[Thread]:
    """A worker that goes on until nothing is due; the gate is opened at the end in any case."""
    thread = Thread(target=services.worker().run_until_idle)
    thread.start()
    try:
        yield thread
    finally:
        (services.settings.home / "strategies" / "open").touch()
        thread.join(SECONDS)
        assert not thread.is_alive()


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_inside(services: Services) -> None:
    """Kill the process that waits at the gate, and open the gate for the next."""
    folder = services.settings.home / "strategies"
    wait_until((folder / "inside").exists)
    (folder / "open").touch()
    os.kill(int((folder / "inside").read_text()), signal.SIGKILL)


def finish(desk: Desk) -> None:
    """Until nothing waits for its next try."""
    for _ in range(3):
        desk.clock.advance(timedelta(minutes=20))
        desk.services.worker().run_until_idle()


def job_of(services: Services, job: Job) -> Job:
    return services.jobs.get(job.job_id)


def test_a_killed_backtest_is_taken_up_again_and_stored_once(gated_desk: Desk) -> None:
    services = gated_desk.services
    job = services.jobs.enqueue(BACKTEST, ASKED, actor=TESTER)
    with at_work(services):
        kill_inside(services)
    finish(gated_desk)
    ended = job_of(services, job)
    [run] = services.backtests.list_runs()

    undisturbed = services.jobs.enqueue(BACKTEST, ASKED, actor=TESTER)
    finish(gated_desk)

    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 2)
    assert ended.result_data is not None
    assert run.job_id == job.job_id
    assert ended.result_data["run_id"] == str(run.run_id)
    other = job_of(services, undisturbed).result_data
    assert other is not None
    assert other["result_hash"] == run.result_hash
    assert len(services.backtests.trades(run.run_id)) == run.metrics["trades"]


def test_a_sweep_whose_part_is_killed_is_whole_and_as_if_undisturbed(gated_desk: Desk) -> None:
    services = gated_desk.services
    job = services.jobs.enqueue(BACKTEST_SWEEP, SWEPT, actor=TESTER)
    with at_work(services):
        kill_inside(services)
    finish(gated_desk)
    ended = job_of(services, job)

    undisturbed = services.jobs.enqueue(BACKTEST_SWEEP, SWEPT, actor=TESTER)
    finish(gated_desk)

    assert (ended.state, ended.error_details) == (JobState.SUCCEEDED, None)
    found, other = services.sweeps.show(job.job_id), services.sweeps.show(undisturbed.job_id)
    assert found.is_whole
    assert found.trials == other.trials
    assert len(found.trials) == 4
    assert len(services.backtests.list_runs()) == 2  # one finalist of each


def test_a_cancelled_backtest_ends_soon_and_nothing_of_it_is_stored(timed: Services) -> None:
    job = timed.jobs.enqueue(BACKTEST, ASKED, actor=TESTER)
    with at_work(timed) as worker:
        wait_until((timed.settings.home / "strategies" / "inside").exists)
        timed.jobs.cancel(job.job_id, actor=TESTER)
        worker.join(SOON)
        assert not worker.is_alive()
    assert job_of(timed, job).state is JobState.CANCELLED
    assert timed.backtests.list_runs() == []
    assert timed.jobs.artifacts(job.job_id) == []


def test_a_cancelled_sweep_takes_its_parts_along_and_goes_on_when_resumed(timed: Services) -> None:
    job = timed.jobs.enqueue(BACKTEST_SWEEP, SWEPT, actor=TESTER)
    with at_work(timed) as worker:
        wait_until((timed.settings.home / "strategies" / "inside").exists)
        timed.jobs.cancel(job.job_id, actor=TESTER)
        worker.join(SOON)
        assert not worker.is_alive()
    assert job_of(timed, job).state is JobState.CANCELLED
    parts = timed.jobs.children(job.job_id)
    assert {part.job_type for part in parts} == {BACKTEST_SWEEP_PART}
    assert {part.state for part in parts} <= {JobState.SUCCEEDED, JobState.CANCELLED}
    done = [part for part in parts if part.state is JobState.SUCCEEDED]
    assert len(timed.sweeps.show(job.job_id).trials) == 2 * len(done) < 2 * len(parts) == 4
    assert timed.backtests.list_runs() == []

    again = {**SWEPT, "resume": str(job.job_id)}
    resumed = timed.jobs.enqueue(BACKTEST_SWEEP, again, actor=TESTER)
    timed.worker().run_until_idle()

    assert job_of(timed, resumed).state is JobState.SUCCEEDED
    assert timed.sweeps.show(job.job_id).is_whole
    assert len(timed.jobs.children(resumed.job_id)) == 2 - len(done) + 1  # and a finalist


def test_a_curve_that_the_disk_does_not_take_is_one_error_and_leaves_no_run(
    timed: Services,
) -> None:
    home = timed.settings.home
    (home / "strategies" / "open").touch()
    (home / "artifacts").write_text("in the way")
    job = timed.jobs.enqueue(BACKTEST, ASKED, actor=TESTER)
    timed.worker().run_until_idle()

    ended = job_of(timed, job)
    said = f"equity.parquet cannot be kept in {home / 'artifacts'}: Not a directory."
    assert (ended.state, ended.attempt) == (JobState.FAILED, 1)
    assert said in str(ended.error_details)
    assert timed.backtests.list_runs() == []

    (home / "artifacts").unlink()
    timed.jobs.retry(job.job_id, actor=TESTER)
    timed.worker().run_until_idle()
    [run] = timed.backtests.list_runs()
    assert run.job_id == job.job_id
