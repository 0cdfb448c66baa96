"""A stored backtest looked at again: run once more on the same bars, and reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from munshi.backtest.service import BacktestService
from munshi.domain.backtest.breakdown import TradeGroup, breakdown
from munshi.domain.backtest.catalogue import is_own
from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.results import EquityPoint, Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of
from munshi.domain.market.candles import Candle
from munshi.errors import AppError


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

    def __init__(self, backtests: BacktestService) -> None:
        self._backtests = backtests

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
            params, stored = self._backtests.read_again(run)
            found = self._backtests.find_strategy(params)
            request = self._backtests.request(params, stored, found)
            again = found.engine.run(request, found.make(), progress=lambda _: None)
            if again.digest().hex() == run.result_hash:
                equity, bars = again.equity, tuple(stored.candles)
            else:
                by = f"{again.engine} {again.version}"
                if (again.engine, again.version) != (run.engine, run.engine_version):
                    by += f", while the run is by {run.engine} {run.engine_version}"
                notes = (f"Run again, it came out otherwise (net {again.net}, by {by}).", *notes)
        except AppError as error:
            notes = (f"There are no charts: {error.detail}", *notes)
        return _report(run, evidence, notes, trades, equity=equity, bars=bars)


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
