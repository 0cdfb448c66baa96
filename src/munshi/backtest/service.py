"""Backtests on the candles that are stored: run, kept for good, and read back."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from uuid import UUID, uuid4

from munshi.backtest.grounds import (
    Grounds,
    Memo,
    premiums_of,
    quotes_document,
    refuse_unpriced,
)
from munshi.backtest.kept_files import Keep, keep_candles, keep_curve
from munshi.backtest.own_checks import WatchedRun
from munshi.backtest.own_strategies import FoundStrategy, StrategyFinder
from munshi.backtest.stored_bars import StoredBars
from munshi.clock import Clock
from munshi.domain.backtest.confirmation import Confirmation, confirmation_of
from munshi.domain.backtest.engine import Engine, Request
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.measuring import Evidence, evidence_of, measured
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.results import BacktestResult, Trade
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.candle_columns import CandleColumns, Columns
from munshi.domain.places import TOP, Page, Place, cut, read_cursor
from munshi.errors import (
    BacktestBarsChangedError,
    BacktestDataMissingError,
    BacktestRunUnknownError,
)
from munshi.infrastructure.candles.frames import to_columns
from munshi.infrastructure.database.engine import Database
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_parts import BarsOfDays
from munshi.market.candles import CandleService
from munshi.market.instruments import InstrumentService
from munshi.market.quality import Coverage, coverage, together
from munshi.market.stored_quotes import KeptQuoteService

_LIST = "backtests"
_DAYS_NAMED = 3
_MOST_MISSING_DAYS_KEPT = 100
_ENGINE_SHARE = 90.0
_FIRST_SHARE = 20.0


class BacktestService:
    """Nothing of a run that fails is stored; a stored run is never changed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        candles: CandleService,
        instruments: InstrumentService,
        calendar: CalendarService,
        quotes: KeptQuoteService,
        strategies: StrategyFinder,
    ) -> None:
        self._strategies = strategies
        self._database = database
        self._clock = clock
        self._candles = candles
        self._instruments = instruments
        self._calendar = calendar
        self._grounds = Grounds(candles, calendar, quotes)

    def run(
        self,
        params: BacktestParams,
        *,
        job_id: UUID,
        attempt: int,
        progress: Callable[[float, str], None],
        keep_file: Keep,
        engine: Engine | None = None,
        confirm_by: Engine | None = None,
    ) -> BacktestRun:
        """Run and store; for a job that has stored one already, that one.

        Without `engine` our own runs it. `confirm_by` then runs it again, and what differs is
        stored with it.

        Raises InstrumentUnknownError, BacktestDataMissingError, CalendarYearUnknownError, what
        the engine raises, JobAttemptFencedError after a lost lease, and whatever `progress` raises.
        """
        with self._database.reading() as tx:
            if (stored := tx.backtests.get_run_of_job(job_id)) is not None:
                return stored
        began = self._clock.monotonic()
        progress(0, f"Reading {params.interval} bars of {params.instrument}.")
        read = self.read_bars(params)
        bars = read.candles
        found = self.find_strategy(params)
        request = self.request(params, read, found)
        made_by = engine or found.engine
        share_of = _ENGINE_SHARE if confirm_by is None else _FIRST_SHARE
        watched = WatchedRun(params.strategy, request, found)
        result = made_by.run(
            request,
            watched.strategy,
            progress=lambda share: progress(
                share * share_of,
                f"Running {params.strategy} over {len(bars):,} bars in {made_by.name}.",
            ),
        )
        watched.check()
        refuse_unpriced(request)
        confirmation = (
            None
            if confirm_by is None
            else self._confirm(result, confirm_by, request, found, progress)
        )
        read_besides = request.coverage()
        result_hash = result.digest().hex()
        run = BacktestRun(
            run_id=uuid4(),
            job_id=job_id,
            strategy=params.strategy,
            instrument=str(params.instrument),
            bar_interval=params.interval.value,
            from_date=params.start,
            to_date=params.end,
            label=read.label,
            engine=result.engine,
            engine_version=result.version,
            code_version=version("munshi"),
            parameters=params.to_json(),
            coverage={
                **_coverage_document(read.held),
                **read_besides,
                **quotes_document(request, result.trades),
            },
            assumptions=(
                *result.assumptions,
                *read.assumptions(params),
                *premiums_of(request),
                *_own(found),
            ),
            metrics=measured(result, result_hash),
            data_fingerprint=fingerprint_of(bars, read_besides),
            result_hash=result_hash,
            net=result.net,
            confirmation=None if confirmation is None else confirmation.to_json(),
            duration_ms=round((self._clock.monotonic() - began) * 1000),
            created_at=self._clock.now(),
        )
        progress(_ENGINE_SHARE, "Keeping the result.")
        keep_curve(result.equity, keep_file)
        keep_candles(bars, keep_file)
        with self._database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.backtests.save_run(run, result.trades)
        return run

    def _confirm(
        self,
        result: BacktestResult,
        engine: Engine,
        request: Request,
        found: FoundStrategy,
        progress: Callable[[float, str], None],
    ) -> Confirmation:
        began = self._clock.monotonic()
        again = engine.run(
            request,
            found.make(),
            progress=lambda share: progress(
                _FIRST_SHARE + share * (_ENGINE_SHARE - _FIRST_SHARE),
                f"Running it again in {engine.name}.",
            ),
        )
        took = round((self._clock.monotonic() - began) * 1000)
        return confirmation_of(result, again, duration_ms=took)

    def find_strategy(self, params: BacktestParams, *, memo: Memo | None = None) -> FoundStrategy:
        """`memo` is shared by runs over the same bars.

        Raises JobParametersInvalidError, and StrategyFailedError for one that cannot begin.
        """
        found = self._strategies.find(params.strategy, params.parameters)
        return self._grounds.prepare(found, params, memo)

    def request(self, params: BacktestParams, stored: StoredBars, found: FoundStrategy) -> Request:
        """What the engine of `found` is asked; what else than bars it needs is read later."""
        return self._grounds.equip(stored.request(params), params, found)

    def list_runs(
        self, *, limit: int = 50, after: Place = TOP, strategy: str = "", instrument: str = ""
    ) -> list[BacktestRun]:
        """Newest first: of the strategy, and on what holds `instrument`, in any case of letters."""
        with self._database.reading() as tx:
            return tx.backtests.list_runs(
                limit=limit, after=after, strategy=strategy, instrument=instrument
            )

    def page(
        self, *, cursor: str | None, limit: int, strategy: str = "", instrument: str = ""
    ) -> Page[BacktestRun]:
        """As `list_runs`, after the place that `cursor` names. Raises CursorInvalidError."""
        found = self.list_runs(
            limit=limit + 1,
            after=read_cursor(_LIST, cursor),
            strategy=strategy,
            instrument=instrument.strip(),
        )
        return cut(found, limit=limit, name=_LIST, place=_place)

    def list_strategies(self) -> list[str]:
        """The strategies of which there is a run."""
        with self._database.reading() as tx:
            return tx.backtests.list_strategies()

    def get(self, run_id: UUID) -> BacktestRun:
        """Raises BacktestRunUnknownError."""
        with self._database.reading() as tx:
            found = tx.backtests.get_run(run_id)
        if found is None:
            raise BacktestRunUnknownError(
                f"There is no backtest {run_id}.", hint="See them: munshi backtest list"
            )
        return found

    def evidence(self, run: BacktestRun) -> Evidence:
        """What the run is worth, after everything that was tried on its instrument until now."""
        with self._database.reading() as tx:
            tried = tx.backtests.list_tried(run.instrument)
            tried |= tx.sweeps.list_tried(run.instrument)
        return evidence_of([run.metrics], tried.values())[0]

    def trades(self, run_id: UUID) -> list[Trade]:
        """Raises BacktestRunUnknownError."""
        self.get(run_id)
        with self._database.reading() as tx:
            return tx.backtests.list_trades(run_id)

    def read_bars(self, params: BacktestParams) -> StoredBars:
        """Raises InstrumentUnknownError, BacktestDataMissingError, CalendarYearUnknownError."""
        series = self._candles.find_series(params.instrument, params.interval, source=params.source)
        segment = self._instruments.segment(params.instrument)
        calendar, now = self._calendar.calendar(), self._clock.now()
        parts: list[Coverage] = []

        def seen(part: BarsOfDays) -> Columns:
            parts.append(
                coverage(
                    part.frame,
                    start=part.first,
                    end=part.last,
                    interval=params.interval,
                    segment=segment,
                    calendar=calendar,
                    now=now,
                )
            )
            return to_columns(part.frame)

        read = self._candles.read_parts(series.key, first=params.start, last=params.end)
        candles = CandleColumns.joined(map(seen, read))
        held = together(parts)
        if not candles:
            raise BacktestDataMissingError(
                f"No {params.interval} bars of {params.instrument} are stored from "
                f"{params.start} to {params.end}.",
                hint=f'Collect them: munshi data collect "{params.instrument}"',
            )
        if held.present < held.expected and not params.accept_holes:
            raise BacktestDataMissingError(
                f"{held.expected - held.present:,} of {held.expected:,} bars are missing"
                f"{_named_days(held)}. Collect them, or run with accept_holes; the result then "
                "says so.",
            )
        hours = trading_hours(
            calendar.trading_days(params.start, params.end),
            interval=params.interval,
            segment=segment,
            calendar=calendar,
        )
        return StoredBars(
            candles=candles,
            held=held,
            hours=hours,
            quotes=self._grounds.quotes(params, candles, hours),
            label=series.label,
            quotes_label=self._grounds.quotes_label,
        )

    def read_again(self, run: BacktestRun) -> tuple[BacktestParams, StoredBars]:
        """What the run was told and the bars it ran on.

        Raises BacktestBarsChangedError, and what `read_bars` raises.
        """
        params = BacktestParams.from_json(run.parameters)
        bars = self.read_bars(params)
        # Those of options are not read with the bars, so their quotes are not in it.
        if bars.fingerprint not in {run.data_fingerprint, run.bars_fingerprint}:
            raise BacktestBarsChangedError(
                f"The stored prices of {run.instrument} are no longer those that it ran on.",
                hint="Run it again; both results are kept: munshi backtest compare",
            )
        return params, bars


def _place(run: BacktestRun) -> Place:
    return Place(at=run.created_at, row=run.run_id)


def _own(found: FoundStrategy) -> Iterator[str]:
    if found.source is not None:
        yield f"The strategy is the user's own: {found.source}."


def _coverage_document(held: Coverage) -> dict[str, object]:
    missing = [day.isoformat() for day in held.missing_days]
    return {
        "bars_expected": held.expected,
        "bars_present": held.present,
        "missing_day_count": len(missing),
        "missing_days": missing[:_MOST_MISSING_DAYS_KEPT],
        "gap_count": len(held.gaps),
    }


def _named_days(held: Coverage) -> str:
    days = held.missing_days
    if not days:
        return ""
    named = ", ".join(map(str, days[:_DAYS_NAMED])) + (", …" if len(days) > _DAYS_NAMED else "")
    return f", among them all of {named}"
