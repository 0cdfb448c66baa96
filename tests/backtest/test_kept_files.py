"""A report is drawn from what its run kept: nothing is run for it, and no stored bar is read."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from desks import TESTER, Desk
from made_candles import candle, ist
from made_research import NIFTY, run_backtests
from munshi.backtest.kept_files import MOST_CANDLES, gathered, keep_candles, read_candles
from munshi.backtest.page import report_document, report_page
from munshi.backtest.review import BacktestReport
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.jobs import BACKTEST
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import to_frame
from munshi.settings import BrokerMode

OTHER = UUID(int=7)
MINE = """
from munshi.domain.backtest.engine import Target

class Mine:
    def decide(self, closed):
        return Target.LONG if len(closed) % 40 < 20 else Target.FLAT
"""
TOLD = {
    "strategy": "mine.py",
    "instrument": NIFTY,
    "interval": "1minute",
    "from": "2026-11-17",
    "to": "2026-11-17",
}


def bars(count: int) -> list[Candle]:
    first = ist("2026-11-17 09:15")
    prices = (217_000_000 + 40_000 * abs(number % 60 - 30) for number in range(count))
    return [
        candle(first + timedelta(minutes=number), price=price)
        for number, price in enumerate(prices)
    ]


@pytest.fixture
def run(desk: Desk) -> BacktestRun:
    """A day of minutes, and a backtest of a strategy of the user's own on them."""
    home, services = desk.services.settings.home, desk.services
    (home / "strategies").mkdir()
    (home / "strategies" / "mine.py").write_text(MINE)
    key = CandleKey(
        mode=BrokerMode.SIMULATED,
        source="kite",
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.ONE_MINUTE,
    )
    services.candles.save(key, to_frame(bars(375)), label="simulated: made up")
    services.jobs.enqueue(BACKTEST, TOLD, actor=TESTER)
    run_backtests(desk)
    [made] = services.backtests.list_runs()
    return made


def report(desk: Desk, run: BacktestRun, **other: bool) -> BacktestReport:
    return desk.services.review.report(run.run_id, **other)


def file_of(desk: Desk, run: BacktestRun, name: str) -> Path:
    [found] = [each for each in desk.services.jobs.artifacts(str(run.job_id)) if each.name == name]
    return desk.services.settings.home / found.path


def test_without_strategy_and_bars_the_report_is_what_running_it_again_gives(
    desk: Desk, run: BacktestRun
) -> None:
    home = desk.services.settings.home
    kept = report(desk, run)
    for name in ("equity.parquet", "candles.parquet"):
        file = file_of(desk, run, name)
        file.rename(file.with_suffix(".away"))
    again = report(desk, run, may_run_again=True)
    for name in ("equity.parquet", "candles.parquet"):
        file = file_of(desk, run, name)
        file.with_suffix(".away").rename(file)
    (home / "strategies" / "mine.py").unlink()
    shutil.rmtree(home / "candles")

    last = report(desk, run)

    assert kept == again == last
    page = report_page(last)
    assert page.count("<svg") == 3
    assert page.count('class="buy"') + page.count('class="sell"') == sum(
        len(trade.legs) for trade in last.trades
    )
    assert report_document(last)["equity"][-1]["equity"] == 100_000_000 + run.net
    assert not [each for each in last.warnings if "Charts" in each]


def test_a_run_of_before_shows_its_curve_and_says_how_its_candles_are_drawn(
    desk: Desk, run: BacktestRun
) -> None:
    with desk.services.database.transaction() as tx:
        tx.backtests.save_run(replace(run, run_id=OTHER, job_id=None), ())
    none = report(desk, replace(run, run_id=OTHER))
    file_of(desk, run, "candles.parquet").write_bytes(b"PAR1 changed")

    changed = report(desk, run)

    assert (len(none.equity), none.candles) == (0, ())
    assert f"To make them again: munshi backtest report {OTHER} --html FILE" in none.warnings[0]
    assert len(changed.equity) == 375
    assert "candles.parquet" in changed.warnings[0]
    assert report_page(changed).count("<svg") == 2
    assert len(report(desk, run, may_run_again=True).candles) == 188


@pytest.mark.parametrize(("count", "size"), [(1, 1), (240, 1), (241, 2), (5_000, 21)])
def test_candles_are_few_and_lose_no_extreme(tmp_path: Path, count: int, size: int) -> None:
    held, path = bars(count), tmp_path / "kept"
    keep_candles(held, lambda _, made: shutil.copy(made, path))

    found = list(read_candles(path.read_bytes()))

    assert found == list(gathered(held))
    assert len(found) == -(-count // size) <= MOST_CANDLES
    assert sum(each.bars for each in found) == count
    assert (found[0].bars, found[0].open, found[-1].close) == (size, held[0].open, held[-1].close)
    assert max(each.high for each in found) == max(bar.high for bar in held)
    assert min(each.low for each in found) == min(bar.low for bar in held)
