"""Bars on a desk, and backtest jobs run in this process, so that no child has to begin."""

from dataclasses import replace

from desks import Desk
from made_candles import minutes
from munshi.bootstrap import JOB_TYPES
from munshi.domain.jobs import BACKTEST, BACKTEST_AUDIT
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.intervals import Interval
from munshi.jobs.worker import Worker
from munshi.settings import BrokerMode

NIFTY = "NSE:NIFTY 50"


def hold(desk: Desk, first: str, *, count: int, step: int = 1) -> None:
    """Simulated bars of NIFTY from `first` on."""
    key = CandleKey(
        mode=BrokerMode.SIMULATED,
        source="kite",
        exchange="NSE",
        instrument="NIFTY 50",
        interval=Interval.parse(f"{step}minute"),
    )
    frame = minutes(first, count=count, step=step)
    desk.services.candles.save(key, frame, label="simulated: made up")


def run_backtests(desk: Desk) -> None:
    """Every backtest and every audit that is asked for."""
    Worker(
        desk.services.database,
        desk.services.clock,
        registry={
            name: replace(JOB_TYPES[name], runs_in="thread") for name in (BACKTEST, BACKTEST_AUDIT)
        },
        services=desk.services,
        wake=desk.services.job_wake,
        threads=1,
        artifacts=desk.services.artifacts,
    ).run_until_idle()
