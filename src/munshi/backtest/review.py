"""A stored backtest looked at again: reported from what it kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from munshi.backtest.kept_files import (
    CANDLES,
    CURVE,
    DrawnCandle,
    gathered,
    read_candles,
    read_curve,
)
from munshi.backtest.service import BacktestService
from munshi.domain.backtest.breakdown import TradeGroup, breakdown
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.pitfalls import PitfallCheck, check_pitfalls
from munshi.domain.backtest.results import Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of
from munshi.errors import AppError, JobArtifactInvalidError, JobUnknownError
from munshi.infrastructure.parquet import read_parquet
from munshi.jobs.service import JobService

_AT_AND_EQUITY = ("at", "equity")
_NOT_KEPT = (
    "Charts are missing: what they are drawn from was not kept with this run, or went with its job."
)
# The curve, the candles, and why any of it is missing.
_Drawn = tuple[EquityCurve, tuple[DrawnCandle, ...], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestReport:
    """`equity` and `candles` are empty where nothing of them is there, as a warning then says.

    That warning is all of `notes`, which stand first among the warnings.
    """

    run: BacktestRun
    evidence: Evidence
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    pitfalls: tuple[PitfallCheck, ...]
    groups: dict[str, list[TradeGroup]]
    trades: tuple[Trade, ...]
    equity: EquityCurve
    candles: tuple[DrawnCandle, ...]


class BacktestReview:
    """Stores nothing."""

    def __init__(self, backtests: BacktestService, jobs: JobService) -> None:
        self._backtests = backtests
        self._jobs = jobs

    def curve(self, run: BacktestRun) -> list[tuple[datetime, int]]:
        """Instant and equity in paise at each bar's close, as the run kept them.

        Raises JobUnknownError, JobArtifactInvalidError where the file is gone or is not what was
        stored.
        """
        return [(at, equity) for at, equity in read_parquet(self._file(run, CURVE), _AT_AND_EQUITY)]

    def report(self, run_id: UUID, *, may_run_again: bool = False) -> BacktestReport:
        """Curve and candles are those that the run kept, so nothing is run and no bar is read.

        Where they are gone, or are of a time when candles were not kept, the run is made again on
        the stored bars if it `may_run_again`, and must then give the same result. A process that
        answers others must not: it would stand still, and a user's code would run beside its
        secrets. Raises BacktestRunUnknownError.
        """
        run = self._backtests.get(run_id)
        trades = self._backtests.trades(run_id)
        evidence = self._backtests.evidence(run)
        pitfalls = check_pitfalls(run, trades)
        equity, candles, missing = self._kept(run)
        if missing is not None and may_run_again:
            equity, candles, missing = self._again(run)
        elif missing is not None:
            missing += f" To make them again: munshi backtest report {run_id} --html FILE"
        notes = () if missing is None else (missing,)
        return BacktestReport(
            run=run,
            evidence=evidence,
            warnings=(*notes, *warnings_of(run, evidence, pitfalls)),
            notes=notes,
            pitfalls=pitfalls,
            groups=breakdown(trades),
            trades=tuple(trades),
            equity=equity,
            candles=candles,
        )

    def _kept(self, run: BacktestRun) -> _Drawn:
        equity = EquityCurve()
        candles: tuple[DrawnCandle, ...] = ()
        try:
            equity = read_curve(self._file(run, CURVE))
            candles = tuple(read_candles(self._file(run, CANDLES)))
        except JobUnknownError:
            return equity, candles, _NOT_KEPT
        except JobArtifactInvalidError as error:
            return equity, candles, f"Charts are missing: {error.detail}"
        return equity, candles, None

    def _file(self, run: BacktestRun, name: str) -> bytes:
        if run.job_id is None:
            raise JobUnknownError("The backtest was run by no job, so no file was kept with it.")
        _, data = self._jobs.read_artifact(run.job_id, name)
        return data

    def _again(self, run: BacktestRun) -> _Drawn:
        try:
            params, stored = self._backtests.read_again(run)
            found = self._backtests.find_strategy(params)
            request = self._backtests.request(params, stored, found)
            again = found.engine.run(request, found.make(), progress=lambda _: None)
        except AppError as error:
            return EquityCurve(), (), f"There are no charts: {error.detail}"
        if again.digest().hex() == run.result_hash:
            return again.equity, tuple(gathered(stored.candles)), None
        by = f"{again.engine} {again.version}"
        if (again.engine, again.version) != (run.engine, run.engine_version):
            by += f", while the run is by {run.engine} {run.engine_version}"
        return EquityCurve(), (), f"Run again, it came out otherwise (net {again.net}, by {by})."
