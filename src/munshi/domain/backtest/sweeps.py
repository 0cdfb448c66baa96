"""Sweeps: one backtest with many sets of parameters, in parts that are jobs of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Self
from uuid import UUID

from munshi.domain.backtest.catalogue import check_strategy
from munshi.domain.backtest.engine import EngineName
from munshi.domain.backtest.params import BacktestParams
from munshi.errors import JobParametersInvalidError

MOST_TRIALS = 20_000
MOST_FINALISTS = 20
# Each part reads the bars again and starts a process, which takes as long as some tens of trials.
USUAL_CHUNK = 100
_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {"finalists": 3, "chunk": USUAL_CHUNK, "confirm": False, "resume": None}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepParams:
    """`grid` is tried in all its combinations on top of `base`; a `chunk` of trials is one job.

    `resume` names a sweep of the same parameters whose missing trials are wanted. With `confirm`
    the finalists are run in nautilus, too.
    """

    base: BacktestParams
    grid: Mapping[str, Sequence[object]]
    finalists: int
    chunk: int
    confirm: bool
    resume: UUID | None

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Raises JobParametersInvalidError, also where no combination can be run at all."""
        known = ("base", "grid", *_DEFAULTS)
        if unknown := sorted(set(raw) - set(known)):
            raise JobParametersInvalidError(
                f"Not known here: {', '.join(unknown)}.", hint=f"There are {', '.join(known)}."
            )
        given = {**_DEFAULTS, **raw}
        base, grid = given.get("base"), given.get("grid")
        if not isinstance(base, Mapping) or not isinstance(grid, Mapping) or not grid:
            raise JobParametersInvalidError(
                "A sweep needs base, an object like a backtest's parameters, and grid, an object "
                "with a list of values for each parameter that is tried."
            )
        for name, values in grid.items():
            if not isinstance(values, list) or not values:
                raise JobParametersInvalidError(f"grid {name} must be a list, not {values!r}.")
        if prod(len(values) for values in grid.values()) > MOST_TRIALS:
            raise JobParametersInvalidError(f"A sweep has at most {MOST_TRIALS:,} trials.")
        first = {name: values[0] for name, values in grid.items()}
        fixed = base.get("parameters", {})
        if not isinstance(fixed, Mapping):
            raise JobParametersInvalidError(f"parameters must be an object, not {fixed!r}.")
        for values in product(*grid.values()):
            first = dict(zip(grid, values, strict=True))
            try:
                check_strategy(str(base.get("strategy")), {**fixed, **first})
            except JobParametersInvalidError as error:
                refusal = error
            else:
                break
        else:
            raise refusal
        read = BacktestParams.from_json({**base, "parameters": {**fixed, **first}})
        return cls(
            base=replace(read, parameters=dict(fixed)),
            grid={name: list(values) for name, values in grid.items()},
            finalists=_whole(given, "finalists", least=1, most=MOST_FINALISTS),
            chunk=_whole(given, "chunk", least=1, most=1000),
            confirm=_confirm(given, read),
            resume=_id(given["resume"]),
        )

    def to_json(self) -> dict[str, object]:
        return {
            "base": self.base.to_json(),
            "grid": {name: list(values) for name, values in self.grid.items()},
            "finalists": self.finalists,
            "chunk": self.chunk,
            "confirm": self.confirm,
            "resume": None if self.resume is None else str(self.resume),
        }

    def trials(self) -> Iterator[BacktestParams]:
        """Every combination that the strategy accepts, always in the same order."""
        for values in product(*self.grid.values()):
            parameters = {**self.base.parameters, **dict(zip(self.grid, values, strict=True))}
            try:
                check_strategy(self.base.strategy, parameters)
            except JobParametersInvalidError:
                continue
            yield replace(self.base, parameters=parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPartParams:
    """The trials `numbers`, from 0 on, of a sweep."""

    sweep: SweepParams
    sweep_id: UUID
    numbers: tuple[int, ...]

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Raises JobParametersInvalidError."""
        sweep, numbers, sweep_id = raw.get("sweep"), raw.get("numbers"), _id(raw.get("sweep_id"))
        if not isinstance(sweep, Mapping) or not isinstance(numbers, list) or sweep_id is None:
            raise JobParametersInvalidError("A part needs sweep, sweep_id and numbers.")
        if not all(isinstance(each, int) and each >= 0 for each in numbers):
            raise JobParametersInvalidError("numbers must be whole numbers from 0 on.")
        return cls(sweep=SweepParams.from_json(sweep), sweep_id=sweep_id, numbers=tuple(numbers))

    def to_json(self) -> dict[str, object]:
        return {
            "sweep": self.sweep.to_json(),
            "sweep_id": str(self.sweep_id),
            "numbers": list(self.numbers),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A stored sweep; `sweep_id` is also the id of the job that began it."""

    sweep_id: UUID
    strategy: str
    instrument: str
    bar_interval: str
    from_date: date
    to_date: date
    label: str
    code_version: str
    parameters: Mapping[str, object]
    assumptions: tuple[str, ...]
    trial_count: int
    data_fingerprint: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTrial:
    """One trial's figures and its daily `returns`; its trades come back by running it alone."""

    trial_number: int
    instrument: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, int | float | None]
    returns: tuple[float, ...]
    result_hash: str
    net: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """Of all trials together; `overfitting` is None with too few days or trials."""

    sweep_id: UUID
    overfitting: float | None
    created_at: datetime


def ranked(trials: Sequence[SweepTrial]) -> list[SweepTrial]:
    """The best Sharpe ratio first; those without one last."""
    return sorted(trials, key=_rank)


def _rank(trial: SweepTrial) -> tuple[bool, float, int]:
    sharpe = trial.metrics.get("period_sharpe")
    return sharpe is None, -(sharpe or 0), trial.trial_number


def _confirm(given: Mapping[str, object], base: BacktestParams) -> bool:
    confirm = given["confirm"]
    if not isinstance(confirm, bool):
        raise JobParametersInvalidError(f"confirm must be true or false, not {confirm!r}.")
    if base.engine is not EngineName.KERNEL or base.confirm:
        raise JobParametersInvalidError(
            "The trials of a sweep are run in the kernel.",
            hint="Say confirm of the sweep itself: its finalists are then run in both.",
        )
    return confirm


def _whole(given: Mapping[str, object], name: str, *, least: int, most: int) -> int:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise JobParametersInvalidError(
            f"{name} must be a whole number from {least} to {most:,}, not {value!r}."
        )
    return value


def _id(value: object) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(str(value))
    except ValueError as error:
        raise JobParametersInvalidError(f"{value!r} is no sweep's id.") from error
