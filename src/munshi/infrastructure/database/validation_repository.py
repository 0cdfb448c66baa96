"""SQL for MLValidationRuns; nothing here changes a stored row."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, or_, select

from munshi.domain.places import TOP, Place
from munshi.domain.validation.runs import ALL, COMPLETED, ValidationFilter, ValidationRun
from munshi.infrastructure.database.models import backtest_runs as backtests
from munshi.infrastructure.database.models import ml_validation_runs as runs
from munshi.infrastructure.database.newest_first import follows, place_values

_FIELDS = [runs.c[name] for name in ValidationRun.__slots__]
_INSERT = insert(runs)
_WHOLE = select(*_FIELDS).where(runs.c.status == COMPLETED)
_NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.validation_id)
_GET = _WHOLE.where(runs.c.validation_id == bindparam("validation"))
_OF_JOB = _WHOLE.where(runs.c.job_id == bindparam("job"))


def _chosen(name: str) -> ColumnElement[bool]:
    word = bindparam(name, type_=runs.c[name].type)
    return or_(word == "", runs.c[name] == word)


_LIST = (
    _WHOLE.where(
        follows(runs.c.created_at, runs.c.validation_id),
        *(_chosen(name) for name in ValidationFilter.__slots__),
    )
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("most"))
)
_TRIED = select(runs.c.trial_key).where(
    runs.c.status == COMPLETED,
    runs.c.instrument == bindparam("instrument"),
)
# What tells one strategy's good trades apart says nothing of those of another.
_OF_STRATEGY = select(backtests.c.run_id).where(backtests.c.strategy == bindparam("strategy"))
_BEFORE = (
    _WHOLE.where(
        runs.c.backtest_run_id.in_(_OF_STRATEGY),
        runs.c.instrument == bindparam("instrument"),
        runs.c.signal_type == bindparam("signal"),
        runs.c.trial_key != bindparam("trial"),
    )
    .order_by(*_NEWEST_FIRST)
    .limit(1)
)


class ValidationRepository:
    """Stores a validation whole, in the caller's transaction, and reads it back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_run(self, run: ValidationRun) -> None:
        row = asdict(run)
        self._connection.execute(_INSERT, row)

    def get_run(self, validation_id: UUID) -> ValidationRun | None:
        row = self._connection.execute(_GET, {"validation": validation_id}).one_or_none()
        return None if row is None else _run(row)

    def get_run_of_job(self, job_id: UUID) -> ValidationRun | None:
        row = self._connection.execute(_OF_JOB, {"job": job_id}).first()
        return None if row is None else _run(row)

    def list_runs(
        self, *, limit: int, after: Place = TOP, chosen: ValidationFilter = ALL
    ) -> list[ValidationRun]:
        """Newest first."""
        asked = {"most": limit, **place_values(after), **asdict(chosen)}
        return [_run(row) for row in self._connection.execute(_LIST, asked)]

    def list_trials(self, *, instrument: str) -> set[str]:
        """The keys of what was tried on the instrument; the same twice counts once.

        Of all signals: whoever tries S1 to S8 and keeps the best has tried eight times.
        """
        return set(self._connection.execute(_TRIED, {"instrument": instrument}).scalars())

    def get_previous(
        self, *, strategy: str, instrument: str, signal_type: str, trial_key: str
    ) -> ValidationRun | None:
        """The newest of another trial on trades of the same strategy."""
        asked = {
            "strategy": strategy,
            "instrument": instrument,
            "signal": signal_type,
            "trial": trial_key,
        }
        row = self._connection.execute(_BEFORE, asked).one_or_none()
        return None if row is None else _run(row)


def _run(row: Row[Any]) -> ValidationRun:
    return ValidationRun(**row._mapping)  # noqa: SLF001 - how a row is read whole
