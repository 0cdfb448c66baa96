"""Sweeps over stored candles: begun once, filled part by part, read back ranked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from uuid import UUID

from munshi.backtest.grounds import Memo, refuse_unpriced
from munshi.backtest.own_checks import refuse_peek
from munshi.backtest.service import BacktestService
from munshi.backtest.trials import TrialRun, TrialRunner, runner_for
from munshi.clock import Clock
from munshi.domain.backtest.engine import Request
from munshi.domain.backtest.evidence import overfitting_probability
from munshi.domain.backtest.measuring import Evidence, evidence_of
from munshi.domain.backtest.options.trials import TrialFigures
from munshi.domain.backtest.params import BacktestParams
from munshi.domain.backtest.sweeps import (
    Sweep,
    SweepParams,
    SweepPartParams,
    SweepResult,
    SweepTrial,
    ranked,
)
from munshi.domain.places import Page, Place, cut, read_cursor
from munshi.errors import AppError, BacktestSweepStaleError, BacktestSweepUnknownError
from munshi.infrastructure.database.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepShown:
    """The trials that are there, best first; `result` is None until all are."""

    sweep: Sweep
    trials: Sequence[SweepTrial]
    evidence: Sequence[Evidence]
    result: SweepResult | None

    @property
    def overfitting(self) -> float | None:
        return self.result.overfitting if self.result else None

    @property
    def is_whole(self) -> bool:
        return len(self.trials) == self.sweep.trial_count


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDone:
    """How many trials a part stored, and what ran them."""

    trials: int
    engine: str


class SweepService:
    """No stored sweep or trial is ever changed."""

    def __init__(self, database: Database, clock: Clock, *, backtests: BacktestService) -> None:
        self._database = database
        self._clock = clock
        self._backtests = backtests

    def begin(self, params: SweepParams, *, job_id: UUID, attempt: int) -> Sweep:
        """The sweep of the job, or the one that it resumes, stored if it is not yet.

        Raises BacktestSweepUnknownError and BacktestSweepStaleError for one that cannot be
        resumed, and what reading the bars raises.
        """
        told = {**params.to_json(), "resume": None}
        with self._database.reading() as tx:
            stored = tx.sweeps.get_sweep(params.resume or job_id)
        if stored is not None:
            # How many jobs do it is no part of what a sweep is, nor what becomes of its best.
            kept = {**told, **{name: stored.parameters.get(name) for name in ("chunk", "confirm")}}
            if kept != stored.parameters:
                raise BacktestSweepStaleError(
                    f"The sweep {stored.sweep_id} was told something else.",
                    hint="Begin another, without --resume.",
                )
            return stored
        if params.resume is not None:
            raise _unknown(params.resume)
        bars = self._backtests.read_bars(params.base)
        sweep = Sweep(
            sweep_id=job_id,
            strategy=params.base.strategy,
            instrument=str(params.base.instrument),
            bar_interval=params.base.interval.value,
            from_date=params.base.start,
            to_date=params.base.end,
            label=bars.label,
            code_version=version("munshi"),
            parameters=told,
            assumptions=bars.assumptions(params.base),
            trial_count=sum(1 for _ in params.trials()),
            data_fingerprint=bars.fingerprint,
            created_at=self._clock.now(),
        )
        with self._database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.sweeps.save_sweep(sweep)
        return sweep

    def missing(self, sweep: Sweep) -> list[int]:
        with self._database.reading() as tx:
            stored = tx.sweeps.list_numbers(sweep.sweep_id)
        return [number for number in range(sweep.trial_count) if number not in stored]

    def run_part(
        self,
        part: SweepPartParams,
        *,
        job_id: UUID,
        attempt: int,
        runner: TrialRunner,
        progress: Callable[[float, str], None],
    ) -> PartDone:
        """Run the part's trials and store them together.

        Raises BacktestSweepStaleError when the bars are not those that the sweep began with, and
        StrategyPeeksError, which leaves nothing of the part.
        """
        sweep = self._get(part.sweep_id)
        missing = set(self.missing(sweep))
        wanted = [number for number in part.numbers if number in missing]
        stored = self._backtests.read_bars(part.sweep.base)
        if stored.fingerprint != sweep.data_fingerprint:
            raise BacktestSweepStaleError(
                "The stored prices have changed since the sweep began.",
                hint="Begin another; what was stored of this one stays.",
            )
        every = list(part.sweep.trials())
        request: Request | None = None
        run: TrialRun | None = None
        memo: Memo = {}
        done: list[SweepTrial] = []
        for number in wanted:
            progress(100 * len(done) / len(wanted), f"Trial {number + 1:,} of {len(every):,}.")
            with _named(number, every[number].parameters):
                found = self._backtests.find_strategy(every[number], memo=memo)
                request = request or self._backtests.request(part.sweep.base, stored, found)
                runner = runner_for(request, runner)
                run = run or runner.prepare(request)
                refuse_peek(every[number].strategy, request, found)
                done.append(_trial(number, every[number], run(found.make)))
        if request is not None:
            refuse_unpriced(request)
        with self._database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.sweeps.save_trials(part.sweep_id, done)
        return PartDone(trials=len(done), engine=runner.name)

    def page(self, *, cursor: str | None, limit: int) -> Page[Sweep]:
        """Newest first. Raises CursorInvalidError."""
        after = read_cursor("sweeps", cursor)
        with self._database.reading() as tx:
            found = tx.sweeps.list_sweeps(limit=limit + 1, after=after)
        return cut(found, limit=limit, name="sweeps", place=_place)

    def show(self, sweep_id: UUID) -> SweepShown:
        """Raises BacktestSweepUnknownError."""
        sweep = self._get(sweep_id)
        with self._database.reading() as tx:
            trials = ranked(tx.sweeps.list_trials(sweep_id))
            result = tx.sweeps.get_result(sweep_id)
            tried = tx.backtests.list_tried(sweep.instrument)
            tried |= tx.sweeps.list_tried(sweep.instrument)
        return SweepShown(
            sweep=sweep,
            trials=trials,
            evidence=evidence_of([trial.metrics for trial in trials], tried.values()),
            result=result,
        )

    def conclude(self, sweep: Sweep, *, job_id: UUID, attempt: int) -> SweepResult:
        """Store what comes of all trials together, if that was not done yet."""
        with self._database.reading() as tx:
            if (stored := tx.sweeps.get_result(sweep.sweep_id)) is not None:
                return stored
            trials = tx.sweeps.list_trials(sweep.sweep_id)
        result = SweepResult(
            sweep_id=sweep.sweep_id,
            overfitting=overfitting_probability([trial.returns for trial in trials]),
            created_at=self._clock.now(),
        )
        with self._database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.sweeps.save_result(result)
        return result

    def finalists(self, sweep: Sweep, params: SweepParams) -> list[BacktestParams]:
        """The best trials as backtests of their own."""
        with self._database.reading() as tx:
            best = ranked(tx.sweeps.list_trials(sweep.sweep_id))[: params.finalists]
        every = list(params.trials())
        return [replace(every[trial.trial_number], confirm=params.confirm) for trial in best]

    def _get(self, sweep_id: UUID) -> Sweep:
        with self._database.reading() as tx:
            found = tx.sweeps.get_sweep(sweep_id)
        if found is None:
            raise _unknown(sweep_id)
        return found


@contextmanager
def _named(number: int, parameters: Mapping[str, object]) -> Iterator[None]:
    """An error inside says which trial it is of."""
    try:
        yield
    except AppError as error:
        told = ", ".join(f"{name}={value}" for name, value in parameters.items())
        error.detail = f"Trial {number + 1:,} ({told}): {error.detail}"
        raise


def _place(sweep: Sweep) -> Place:
    return Place(at=sweep.created_at, row=sweep.sweep_id)


def _trial(number: int, params: BacktestParams, figures: TrialFigures) -> SweepTrial:
    return SweepTrial(
        trial_number=number,
        instrument=str(params.instrument),
        parameters=dict(params.parameters),
        metrics=figures.metrics,
        returns=figures.returns,
        result_hash=figures.result_hash,
        net=figures.net,
    )


def _unknown(sweep_id: UUID) -> BacktestSweepUnknownError:
    return BacktestSweepUnknownError(
        f"There is no sweep {sweep_id}.", hint="See them: munshi backtest sweeps"
    )
