"""Handlers that do what no handler should, in a thread or a process of a worker."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jobs.handlers import Stage, TextParams
from munshi.domain.job_specs import JobSpec
from munshi.errors import AppError, BrokerThrottledError
from munshi.jobs.fan_out import JobWaiting
from munshi.jobs.run import JobRun
from munshi.jobs.stops import JobCancelled


class MuteError(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise ZeroDivisionError


class DeadlyError(Exception):
    """Ends the process that asks it what it is."""

    def __str__(self) -> str:
        raise SystemExit(9)


class WaitlessError(AppError):
    """May pass, at a time that is none."""

    retryable = True
    retry_after = "soon"


class OddMapping(Mapping[str, object]):
    """Cannot be read."""

    def __getitem__(self, _: str) -> object:
        raise ZeroDivisionError

    def __iter__(self) -> Iterator[str]:
        raise ZeroDivisionError

    def __len__(self) -> int:
        return 1


def _deep() -> dict[str, Any]:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"deeper": deep}
    return deep


RAISED: Mapping[str, Callable[[], BaseException]] = {
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "BaseException": lambda: BaseException("as it is"),
    "StopIteration": StopIteration,
    "MemoryError": MemoryError,
    "RecursionError": RecursionError,
    "mute": MuteError,
    "deadly": DeadlyError,
    "group": lambda: BaseExceptionGroup("both", [SystemExit(1), ValueError("no")]),
    "long": lambda: ValueError("x" * 1_000_000),
    "half": lambda: ValueError("half \ud800 a \0 character"),
    "never": lambda: BrokerThrottledError("Come back.", retry_after=1e300),
    "soon": lambda: WaitlessError("Come back."),
    "cancelled": JobCancelled,
    "nothing to wait for": lambda: JobWaiting([]),
}
RETURNED: Mapping[str, Callable[[], Any]] = {
    "bytes": lambda: b"x",
    "object": object,
    "odd mapping": OddMapping,
    "tuple keys": lambda: {("a", "b"): 1},
    "deep": _deep,
    "infinite": lambda: {"x": float("inf")},
    "huge number": lambda: {"x": 10**5000},
    "large": lambda: {"x": "y" * 1_000_001},
    "class": lambda: dict,
    "generator": lambda: (x for x in (1,)),
}


def echo(_: object, __: JobRun, parameters: TextParams) -> dict[str, Any]:
    return {"text": parameters.text}


def raise_it(_: object, __: JobRun, parameters: TextParams) -> dict[str, Any]:
    error = RAISED[parameters.text]()
    raise error


def return_it(_: object, __: JobRun, parameters: TextParams) -> Any:  # noqa: ANN401
    return RETURNED[parameters.text]()


def print_without_end(_: object, __: JobRun, ___: TextParams) -> dict[str, Any]:
    while True:
        print("on and on and on " * 100)  # noqa: T201 - what this is about


def fork(_: object, __: JobRun, ___: TextParams) -> dict[str, Any]:
    os.waitpid(os.fork(), 0)
    return {}


def swallow_all(_: object, run: JobRun, ___: TextParams) -> dict[str, Any]:
    """Whatever is raised, it goes on."""
    for _turn in range(3):
        try:
            run.progress(10)
            raise_it(_, run, TextParams(text="SystemExit"))
        except BaseException:  # noqa: BLE001, S110
            pass
    return {"text": "went on"}


@contextmanager
def stage() -> Iterator[Stage]:
    yield Stage()


_NAMES = "echo", "raise_it", "return_it", "print_without_end", "fork", "swallow_all"


def _specs(runs_in: Any) -> Iterator[tuple[str, JobSpec]]:  # noqa: ANN401
    def spec(entry: str, **given: Any) -> JobSpec:  # noqa: ANN401
        return JobSpec(params=TextParams, entry=entry, runs_in=runs_in, idempotent=True, **given)

    for name in _NAMES:
        yield f"{runs_in}_{name}", spec(f"jobs.bad_handlers:{name}")
    yield f"{runs_in}_missing_extra", spec("jobs.bad_handlers:echo", needs="no_such_library")
    yield f"{runs_in}_missing_module", spec("jobs.no_such_module:echo")
    yield f"{runs_in}_missing_function", spec("jobs.bad_handlers:no_such_function")
    yield f"{runs_in}_not_callable", spec("jobs.bad_handlers:RAISED")
    yield f"{runs_in}_no_entry", spec("")


REGISTRY: Mapping[str, JobSpec] = {
    name: spec for runs_in in ("thread", "process") for name, spec in _specs(runs_in)
}
