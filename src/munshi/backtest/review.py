"""A stored backtest looked at again: run once more on the same bars, audited, and reported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from munshi.backtest.service import (
    CURVE,
    BacktestService,
    StoredBars,
    fingerprint_of,
    request_for,
)
from munshi.domain.backtest.audit import BacktestAudit, audit
from munshi.domain.backtest.breakdown import TradeGroup, breakdown
from munshi.domain.backtest.catalogue import is_own
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.results import EquityPoint, Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of
from munshi.domain.market.candles import Candle
from munshi.errors import AppError, BacktestBarsChangedError, JobUnknownError
from munshi.infrastructure.parquet import read_parquet
from munshi.jobs.service import JobService


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport:
    """`equity` and `bars` are empty where the stored bars are no longer those of the run."""

    run: BacktestRun
    evidence: Evidence
    warnings: tuple[str, ...]
    groups: dict[str, list[TradeGroup]]
    trades: tuple[Trade, ...]
    equity: tuple[EquityPoint, ...]
    bars: tuple[Candle, ...]


class BacktestReview:
    """Stores nothing."""

    def __init__(self, backtests: BacktestService, jobs: JobService) -> None:
        self._backtests = backtests
        self._jobs = jobs

    def curve(self, run: BacktestRun) -> list[tuple[datetime, int]]:
        """Instant and equity in paise at each bar's close, as the run kept them.

        Nothing is run again. Raises JobUnknownError, JobArtifactInvalidError where the file is
        gone or is not what was stored.
        """
        if run.job_id is None:
            raise JobUnknownError("The backtest was run by no job, so no curve was kept.")
        _, data = self._jobs.read_artifact(run.job_id, CURVE)
        return [(at, equity) for at, equity in read_parquet(data, ("at", "equity"))]

    def audit(self, run_id: UUID, *, progress: Callable[[float, str], None]) -> BacktestAudit:
        """Raises BacktestRunUnknownError, BacktestBarsChangedError, and what a run raises."""
        run = self._backtests.get(run_id)
        params, bars = self._read_again(run)
        return audit(
            request_for(params, bars.candles),
            self._backtests.find_strategy(params).make,
            seed=int(run.result_hash[:8], 16),
            progress=progress,
        )

    def report(self, run_id: UUID, *, may_run_own_code: bool = True) -> BacktestReport:
        """The curve and the bars come from running it again, which must give the same result.

        A process that answers others must not run a user's code: its secrets lie beside.
        Raises BacktestRunUnknownError.
        """
        run = self._backtests.get(run_id)
        trades = self._backtests.trades(run_id)
        evidence = self._backtests.evidence(run)
        notes = warnings_of(run, evidence)
        equity: tuple[EquityPoint, ...] = ()
        bars: tuple[Candle, ...] = ()
        if is_own(run.strategy) and not may_run_own_code:
            how = f"munshi backtest report {run_id}"
            notes = (f"There are no charts: a strategy of one's own is run by {how} only.", *notes)
            return _report(run, evidence, notes, trades)
        try:
            params, stored = self._read_again(run)
            strategy = self._backtests.find_strategy(params).make()
            request = request_for(params, stored.candles)
            again = Kernel().run(request, strategy, progress=lambda _: None)
            if again.digest().hex() == run.result_hash:
                equity, bars = again.equity, tuple(stored.candles)
            else:
                notes = (f"Run again, it came out otherwise (net {again.net}).", *notes)
        except AppError as error:
            notes = (f"There are no charts: {error.detail}", *notes)
        return _report(run, evidence, notes, trades, equity=equity, bars=bars)

    def _read_again(self, run: BacktestRun) -> tuple[BacktestParams, StoredBars]:
        params = BacktestParams.from_json(run.parameters)
        bars = self._backtests.read_bars(params)
        if fingerprint_of(bars.candles) != run.data_fingerprint:
            raise BacktestBarsChangedError(
                f"The stored bars of {run.instrument} are no longer those that it ran on.",
                hint="Run it again; both results are kept: munshi backtest compare",
            )
        return params, bars


def _report(
    run: BacktestRun,
    evidence: Evidence,
    notes: tuple[str, ...],
    trades: Sequence[Trade],
    *,
    equity: tuple[EquityPoint, ...] = (),
    bars: tuple[Candle, ...] = (),
) -> BacktestReport:
    return BacktestReport(
        run=run,
        evidence=evidence,
        warnings=notes,
        groups=breakdown(trades),
        trades=tuple(trades),
        equity=equity,
        bars=bars,
    )
