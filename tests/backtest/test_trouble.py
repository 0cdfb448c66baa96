"""What a backtest is told wrongly or lacks: one clear error, and nothing half stored.

Each is asked of a run on one instrument and of one on options, as jobs that a worker runs.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backtest.test_killed_and_cancelled import settings_at
from desks import TESTER, Desk, open_desk
from made_options import WalkedTracks, flat_bars, opens_of
from munshi.backtest.kept_files import keep_curve
from munshi.domain.backtest.equity import EquityCurve, EquityPoint
from munshi.domain.jobs import BACKTEST, Job, JobState
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.errors import JobArtifactUnwritableError
from munshi.infrastructure.candles.frames import to_frame
from simulators import Simulator
from small_disks import small_disk_at

pytestmark = pytest.mark.timeout(240)
FIRST, LAST = date(2024, 6, 10), date(2024, 6, 13)  # the 13th is an expiry
NOON, MINUTE = datetime(2024, 6, 10, 12, tzinfo=UTC), timedelta(minutes=1)
SINGLE: dict[str, Any] = {
    "strategy": "ma_cross",
    "parameters": {"fast": 2, "slow": 5},
    "instrument": "NSE:NIFTY 50",
    "interval": "5minute",
    "from": f"{FIRST}",
    "to": f"{LAST}",
    "kind": "futures",
}
OPTIONS = {**SINGLE, "strategy": "short_straddle", "parameters": {}, "kind": "options"}
OWN = """
from munshi.domain.backtest.engine import Target
from munshi.domain.backtest.options.orders import Enter, Leg
from munshi.domain.market.charges import Side
from munshi.domain.market.instruments import InstrumentKind

SELLS = (Leg(side=Side.SELL, kind=InstrumentKind.CALL, strike=23_000),)

class Raises:
    def decide(self, closed):
        if len(closed) == 100:
            raise ValueError("no idea")

class RaisesOptions(Raises):
    trades = "options"

class Peeks:
    def decide(self, closed):
        bars = closed._bars
        ahead = bars[min(len(closed), len(bars) - 1)].close
        return Target.LONG if ahead > closed[-1].close else Target.SHORT

class PeeksOptions:
    trades = "options"

    def decide(self, closed):
        bars = closed._bars
        ahead = bars[min(len(closed), len(bars) - 1)].close
        return (Enter(name=str(len(closed)), legs=SELLS),) if ahead > closed[-1].close else ()
"""
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"from": "2024-07-01", "to": "2024-07-05"}, "No 5minute bars of NSE:NIFTY 50 are stored"),
    ({"to": "2024-06-14"}, "75 of 375 bars are missing, among them all of 2024-06-14."),
    (
        {"from": "2009-01-05", "to": "2009-01-09"},
        "The market calendar does not cover 2009; it has 2015 to",
    ),
    ({"capital": "100"}, "rupees, the capital is 100.00."),
    ({"strategy": "nonesuch", "parameters": {}}, "There is no strategy 'nonesuch'"),
    (
        {"strategy": "own.py:Raises", "parameters": {}},
        "failed at the bar of 2024-06-11 11:15: ValueError: no idea",
    ),
    (
        {"strategy": "own.py:Peeks", "parameters": {}},
        "looks into the future: with nothing after 2024-06-1",
    ),
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "own.py").write_text(OWN)
    return tmp_path


@pytest.fixture
def desk(
    home: Path, sqlite_url: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """Four days of five-minute bars: the index, and the strikes around it to one expiry."""
    with open_desk(settings_at(home, sqlite_url, monkeypatch), simulator) as opened:
        bars = flat_bars(opens_of(FIRST, LAST), lambda n: 2_300_000 + 25 * abs(n % 160 - 80))
        store(opened, "NSE", "NIFTY 50", bars)
        walked = WalkedTracks(bars)
        for name in (f"NIFTY2461323{tail}" for tail in ("000CE", "000PE", "050CE", "050PE")):
            track = walked.track(f"NFO:{name}", LAST)
            columns = (track.opens, track.highs, track.lows, track.closes)
            made = [
                Candle(
                    opens=datetime.fromtimestamp(at, UTC),
                    open=o * 100,
                    high=h * 100,
                    low=low * 100,
                    close=c * 100,
                    volume=0,
                )
                for at, o, h, low, c in zip(track.stamps, *columns, strict=True)
            ]
            store(opened, "NFO", name, made)
        yield opened


def store(desk: Desk, exchange: str, name: str, bars: list[Candle]) -> None:
    key = CandleKey(
        mode=desk.services.settings.brokers,
        source="import",
        exchange=exchange,
        instrument=name,
        interval=Interval.FIVE_MINUTES,
    )
    desk.services.candles.save(key, to_frame(bars), label="made up")


def ask(desk: Desk, asked: Mapping[str, Any]) -> Job:
    return desk.services.jobs.enqueue(BACKTEST, dict(asked), actor=TESTER)


def ended(desk: Desk, jobs: list[Job]) -> list[Job]:
    desk.services.worker().run_until_idle()
    return [desk.services.jobs.get(job.job_id) for job in jobs]


def files_of(home: Path) -> list[Path]:
    return [path for path in home.glob("artifacts/**/*") if path.is_file()]


def test_what_cannot_be_run_says_so_once_and_stores_nothing(desk: Desk, home: Path) -> None:
    jobs, said = [], []
    for base in (SINGLE, OPTIONS):
        for other, words in WRONG:
            asked = {**base, **other}
            if asked["strategy"].startswith("own.py") and base is OPTIONS:
                asked["strategy"] += "Options"
            jobs.append(ask(desk, asked))
            said.append(words)
    for job, words in zip(ended(desk, jobs), said, strict=True):
        assert (job.state, words in str(job.error_details)) == (JobState.FAILED, True)
        assert "Traceback" not in str(job.error_details)
    assert desk.services.backtests.list_runs() == []
    assert files_of(home) == []


def test_holes_that_are_accepted_are_stated_of_options_too(desk: Desk) -> None:
    asked = [
        ask(desk, {**base, "to": "2024-06-14", "accept_holes": True}) for base in (SINGLE, OPTIONS)
    ]

    assert [job.state for job in ended(desk, asked)] == [JobState.SUCCEEDED] * 2
    for run in desk.services.backtests.list_runs():
        assert "75 of 375 bars are missing." in run.assumptions


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Nothing more goes onto it for a while."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(os.urandom(4096)):
            pass
    try:
        yield
    finally:
        filler.unlink()


def test_a_full_disk_keeps_no_half_of_a_run_and_the_job_goes_through_when_tried_again(
    desk: Desk, home: Path
) -> None:
    with small_disk_at(home / "artifacts", size=1024 * 1024) as kept:
        asked = [ask(desk, base) for base in (SINGLE, OPTIONS)]
        with full(kept):
            failed = ended(desk, asked)
        left = (desk.services.backtests.list_runs(), files_of(home))
        for job in asked:
            desk.services.jobs.retry(job.job_id, actor=TESTER)
        again = ended(desk, asked)
        runs = desk.services.backtests.list_runs()

        for job in failed:
            assert job.state is JobState.FAILED
            assert "No space left on device" in str(job.error_details)
            assert "retry the job" in str(job.error_details)
        assert left == ([], [])
        assert [job.state for job in again] == [JobState.SUCCEEDED] * 2
        assert len(runs) == 2
        for run in runs:
            assert desk.services.review.report(run.run_id).equity


def test_no_room_for_the_file_that_is_being_made_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = EquityCurve(
        EquityPoint(at=NOON + MINUTE * n, cash=n, position=0) for n in range(9_000)
    )
    kept: list[str] = []
    with small_disk_at(tmp_path / "short", size=64 * 1024) as short, full(short):
        monkeypatch.setattr(tempfile, "tempdir", str(short))
        with pytest.raises(JobArtifactUnwritableError, match="No space left on device") as raised:
            keep_curve(points, lambda name, _: kept.append(name))

    assert f"in {short}" in raised.value.detail
    assert kept == []
