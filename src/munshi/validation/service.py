"""Model validations: what they are made from, kept for good, and read back.

Nothing here needs the research libraries; what does is imported by the job's module alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from munshi.backtest.service import BacktestService
from munshi.clock import IST, Clock
from munshi.domain.backtest.fingerprints import fingerprint_of
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.candles import Candle
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.intervals import Interval
from munshi.domain.places import Page, Place, cut, read_cursor
from munshi.domain.validation.params import ValidationParams
from munshi.domain.validation.runs import ALL, ValidationFilter, ValidationRun
from munshi.domain.validation.samples import Picked, Sample, check_enough, pick_samples
from munshi.errors import (
    BacktestBarsChangedError,
    JobArtifactInvalidError,
    JobUnknownError,
    ModelFileRefusedError,
    ValidationUnknownError,
)
from munshi.infrastructure.candles.frames import to_candles
from munshi.infrastructure.database.engine import Database
from munshi.jobs.service import JobService
from munshi.market.candles import CandleService
from munshi.validation.report import report_page

OWN_FOLDER = "models"
# Bars before the backtest's first, so that its early trades have a past, too.
_DAYS_BEFORE = 10
_LIST_HINT = "See them: munshi ml list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A backtest with the samples its trades make and the bars around them, in order."""

    backtest: BacktestRun
    picked: Picked
    bars: Sequence[Candle]
    span: timedelta
    label: str

    @property
    def samples(self) -> Sequence[Sample]:
        return self.picked.samples

    def fingerprint(self) -> str:
        """The SHA-256 of samples and bars."""
        digest = hashlib.sha256()
        for sample in self.samples:
            stamps = f"{sample.decided_at.timestamp()},{sample.ends_at.timestamp()}"
            digest.update(f"{stamps},{sample.net},{sample.direction}\n".encode())
        for bar in self.bars:
            prices = f"{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}"
            digest.update(f"{int(bar.opens.timestamp())},{prices}\n".encode())
        return digest.hexdigest()


class ValidationService:
    """Nothing of a validation that fails is stored; a stored one is never changed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        backtests: BacktestService,
        candles: CandleService,
        jobs: JobService,
        home: Path,
    ) -> None:
        self._database = database
        self._backtests = backtests
        self._candles = candles
        self._jobs = jobs
        self.clock = clock
        self.own_folder = home / OWN_FOLDER

    def gather(self, params: ValidationParams) -> Material:
        """The samples and bars of a backtest.

        Raises BacktestRunUnknownError, ValidationSamplesMissingError, InstrumentUnknownError, and
        BacktestBarsChangedError where the bars are others than those of the backtest.
        """
        backtest = self._backtests.get(params.run_id)
        picked = pick_samples(
            self._backtests.trades(params.run_id),
            instrument=backtest.instrument,
            signal_type=params.signal_type,
            start=params.start,
            end=params.end,
        )
        check_enough(picked.samples, left_out=picked.left_out)
        interval = Interval.parse(backtest.bar_interval)
        source = backtest.parameters.get("source")
        series = self._candles.find_series(
            InstrumentRef.parse(backtest.instrument),
            interval,
            source=None if source is None else str(source),
        )
        first = backtest.from_date - timedelta(days=_DAYS_BEFORE)
        frame = self._candles.read(
            series.key,
            start=datetime.combine(first, time.min, IST),
            end=datetime.combine(backtest.to_date + timedelta(days=1), time.min, IST),
        )
        bars = list(to_candles(frame))
        midnight = datetime.combine(backtest.from_date, time.min, IST)
        if fingerprint_of([b for b in bars if b.opens >= midnight]) != backtest.bars_fingerprint:
            raise BacktestBarsChangedError(
                f"The stored bars of {backtest.instrument} are no longer those that the backtest "
                "ran on, so features would be of other prices than labels.",
                hint="Run the backtest again, and validate that run.",
            )
        return Material(
            backtest=backtest,
            picked=picked,
            bars=bars,
            span=interval.span,
            label=series.label,
        )

    def stored_of(self, job_id: UUID) -> ValidationRun | None:
        with self._database.reading() as tx:
            return tx.validations.get_run_of_job(job_id)

    def trials(self, backtest: BacktestRun, *, trial_key: str) -> int:
        """How many different validations on the instrument there are, this one included."""
        with self._database.reading() as tx:
            tried = tx.validations.list_trials(instrument=backtest.instrument)
        return len(tried | {trial_key})

    def previous(
        self, backtest: BacktestRun, *, signal_type: str, trial_key: str
    ) -> ValidationRun | None:
        """The newest of the same strategy, instrument and signals that was another trial."""
        with self._database.reading() as tx:
            return tx.validations.get_previous(
                strategy=backtest.strategy,
                instrument=backtest.instrument,
                signal_type=signal_type,
                trial_key=trial_key,
            )

    def model_file(self, run: ValidationRun) -> bytes:
        """The model of a validation as it was stored.

        Raises ModelFileRefusedError if it is gone or is not what its hash says.
        """
        if run.job_id is None or run.model_artifact is None:
            raise ModelFileRefusedError(
                f"Validation {run.validation_id} has no model file, or its job was deleted."
            )
        try:
            _, data = self._jobs.read_artifact(run.job_id, run.model_artifact)
        except (JobArtifactInvalidError, JobUnknownError) as error:
            raise ModelFileRefusedError(error.detail) from error
        if hashlib.sha256(data).hexdigest() != run.model_sha256:
            raise ModelFileRefusedError(
                f"The model of validation {run.validation_id} is not what was stored."
            )
        return data

    def save(self, run: ValidationRun, *, job_id: UUID, attempt: int) -> None:
        """Store it whole. Raises JobAttemptFencedError after a lost lease."""
        with self._database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.validations.save_run(run)

    def list_runs(self, *, limit: int = 50) -> list[ValidationRun]:
        """Newest first."""
        with self._database.reading() as tx:
            return tx.validations.list_runs(limit=limit)

    def page(
        self, *, cursor: str | None, limit: int, chosen: ValidationFilter = ALL
    ) -> Page[ValidationRun]:
        """Newest first. Raises CursorInvalidError."""
        after = read_cursor("validations", cursor)
        with self._database.reading() as tx:
            found = tx.validations.list_runs(limit=limit + 1, after=after, chosen=chosen)
        return cut(found, limit=limit, name="validations", place=_place)

    def get(self, validation_id: UUID) -> ValidationRun:
        """Raises ValidationUnknownError."""
        with self._database.reading() as tx:
            found = tx.validations.get_run(validation_id)
        if found is None:
            raise ValidationUnknownError(
                f"There is no model validation {validation_id}.", hint=_LIST_HINT
            )
        return found

    def report(self, validation_id: UUID) -> str:
        """The validation as one page of HTML. Raises ValidationUnknownError."""
        return report_page(self.get(validation_id))


def _place(run: ValidationRun) -> Place:
    return Place(at=run.created_at, row=run.validation_id)
