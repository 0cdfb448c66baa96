"""SQL for BacktestSweeps, their results and BacktestTrials; nothing here changes a stored row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select

from munshi.domain.backtest.sweeps import Sweep, SweepResult, SweepTrial
from munshi.domain.places import TOP, Place
from munshi.infrastructure.database.models import (
    backtest_sweep_results,
    backtest_sweeps,
    backtest_trials,
)
from munshi.infrastructure.database.newest_first import follows, place_values

_INSERT = insert(backtest_sweeps)
_INSERT_TRIALS = insert(backtest_trials)
_INSERT_RESULT = insert(backtest_sweep_results)
_RESULT = select(backtest_sweep_results).where(
    backtest_sweep_results.c.sweep_id == bindparam("sweep")
)
_GET = select(backtest_sweeps).where(backtest_sweeps.c.sweep_id == bindparam("sweep"))
_LIST = (
    select(backtest_sweeps)
    .where(follows(backtest_sweeps.c.created_at, backtest_sweeps.c.sweep_id))
    .order_by(backtest_sweeps.c.created_at.desc(), backtest_sweeps.c.sweep_id)
    .limit(bindparam("most"))
)
_TRIALS = (
    select(backtest_trials)
    .where(backtest_trials.c.sweep_id == bindparam("sweep"))
    .order_by(backtest_trials.c.trial_number)
)
_NUMBERS = select(backtest_trials.c.trial_number).where(
    backtest_trials.c.sweep_id == bindparam("sweep")
)
_TRIED = select(backtest_trials.c.result_hash, backtest_trials.c.metrics).where(
    backtest_trials.c.instrument == bindparam("instrument")
)


class SweepRepository:
    """Stores a sweep when it begins, and its trials part by part."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_sweep(self, sweep: Sweep) -> None:
        self._connection.execute(_INSERT, {**asdict(sweep), "assumptions": list(sweep.assumptions)})

    def save_trials(self, sweep_id: UUID, trials: Sequence[SweepTrial]) -> None:
        """Leaves out those that are stored already."""
        stored = self.list_numbers(sweep_id)
        rows = [
            {**asdict(trial), "returns": list(trial.returns), "sweep_id": sweep_id}
            for trial in trials
            if trial.trial_number not in stored
        ]
        if rows:
            self._connection.execute(_INSERT_TRIALS, rows)

    def save_result(self, result: SweepResult) -> None:
        self._connection.execute(_INSERT_RESULT, asdict(result))

    def get_result(self, sweep_id: UUID) -> SweepResult | None:
        row = self._connection.execute(_RESULT, {"sweep": sweep_id}).one_or_none()
        return None if row is None else SweepResult(**row._mapping)  # noqa: SLF001 - read whole

    def get_sweep(self, sweep_id: UUID) -> Sweep | None:
        row = self._connection.execute(_GET, {"sweep": sweep_id}).one_or_none()
        return None if row is None else _sweep(row)

    def list_sweeps(self, *, limit: int, after: Place = TOP) -> list[Sweep]:
        """Newest first."""
        asked = {"most": limit, **place_values(after)}
        return [_sweep(row) for row in self._connection.execute(_LIST, asked)]

    def list_numbers(self, sweep_id: UUID) -> set[int]:
        """Of the trials that are stored."""
        return {row.trial_number for row in self._connection.execute(_NUMBERS, {"sweep": sweep_id})}

    def list_trials(self, sweep_id: UUID) -> list[SweepTrial]:
        return [_trial(row) for row in self._connection.execute(_TRIALS, {"sweep": sweep_id})]

    def list_tried(self, instrument: str) -> dict[str, Mapping[str, Any]]:
        """The figures of every trial on it, by result."""
        rows = self._connection.execute(_TRIED, {"instrument": instrument})
        return {row.result_hash: row.metrics for row in rows}


def _sweep(row: Row[Any]) -> Sweep:
    found = dict(row._mapping)  # noqa: SLF001 - how a row is read whole
    return Sweep(**{**found, "assumptions": tuple(found["assumptions"])})


def _trial(row: Row[Any]) -> SweepTrial:
    found = dict(row._mapping)  # noqa: SLF001 - how a row is read whole
    del found["sweep_id"]
    return SweepTrial(**{**found, "returns": tuple(found["returns"])})
