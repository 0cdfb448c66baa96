"""Job handlers that tests run: real entries of a registry, resolved by name like any other."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from munshi.domain.enums import Service
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AUTO_LOGIN
from munshi.errors import BrokerThrottledError, BrokerUnavailableError, JobParametersInvalidError
from munshi.jobs.run import JobRun


@dataclass(frozen=True, slots=True, kw_only=True)
class TextParams:
    """One text, which each handler reads in its own way."""

    text: str

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        if set(raw) != {"text"} or not isinstance(raw["text"], str):
            raise JobParametersInvalidError("The one parameter is text.")
        return cls(text=raw["text"])

    def to_json(self) -> dict[str, object]:
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class Stage:
    """The services of these handlers: how a test and a running handler meet."""

    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    seen: list[str] = field(default_factory=list)


def echo(stage: Stage, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    run.progress(50, f"Echoing {parameters.text}.")
    stage.seen.append(parameters.text)
    return {"text": parameters.text}


def write_line(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """One line a run in the file that the parameter names."""
    with Path(parameters.text).open("a", encoding="utf-8") as file:
        file.write(f"{run.job_id} {run.attempt}\n")
    return {}


def wait(stage: Stage, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Report, then wait until told to go on; report again and end."""
    run.progress(40, parameters.text)
    stage.entered.set()
    assert stage.go_on.wait(30)
    run.progress(80, "Going on.")
    stage.seen.append(f"attempt {run.attempt} went on")
    return {"attempt": run.attempt}


def chatter(stage: Stage, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Report without end, as fast as it goes, until stopped."""
    count = 0
    while True:
        count += 1
        run.progress(count % 100, f"{parameters.text} {count}")
        stage.entered.set()
        time.sleep(0.001)


def deaf(stage: Stage, _: JobRun, __: TextParams) -> dict[str, Any]:
    """Never looks up."""
    stage.entered.set()
    stage.go_on.wait(30)
    return {}


def slow_line(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """`write_line` for those who want to interrupt it."""
    run.progress(50, "Half.")
    time.sleep(0.05)
    return write_line(_, run, parameters)


def hang(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Mark the start and the effect in a folder; the first attempt waits for `go` between them."""
    folder = Path(parameters.text)
    (folder / f"started-{run.attempt}").touch()
    while run.attempt == 1 and not (folder / "go").exists():
        time.sleep(0.02)
    run.progress(90, "About to take effect.")
    (folder / f"effect-{run.attempt}").touch()
    return {"attempt": run.attempt}


def unavailable(stage: Stage, _: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Fail, retryably, as often as the parameter says."""
    stage.seen.append("tried")
    if len(stage.seen) <= int(parameters.text):
        raise BrokerUnavailableError("The broker is down.")
    return {"tries": len(stage.seen)}


def throttled(_: object, __: JobRun, parameters: TextParams) -> dict[str, Any]:
    raise BrokerThrottledError("The broker said wait.", retry_after=float(parameters.text))


def login_first(_: object, run: JobRun, __: TextParams) -> dict[str, Any]:
    if run.attempt == 1:
        run.pause_for_login(Service.KITE, "http://localhost/login")
    return {"attempt": run.attempt}


_BADLY: Mapping[str, Any] = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "ZeroDivisionError": ZeroDivisionError("division by zero"),
    "secret": ValueError("refused: https://example.com/?access_token=hush-hush&x=1"),
}
_UNFIT: Mapping[str, Any] = {
    "nothing": None,
    "list": [1],
    "set": {"set": {1}},
    "nan": {"value": float("nan")},
    "nul": {"value": "a\0b"},
    "surrogate": {"value": "\ud800"},
    "large": {"value": "x" * 1_000_001},
}


def report_then_fail(_: object, run: JobRun, __: TextParams) -> dict[str, Any]:
    run.progress(73, "Nearly.")
    raise ZeroDivisionError


def raise_badly(_: object, __: JobRun, parameters: TextParams) -> dict[str, Any]:
    raise _BADLY[parameters.text]


def return_unfit(_: object, __: JobRun, parameters: TextParams) -> Any:  # noqa: ANN401
    return _UNFIT[parameters.text]


def _spec(function: str, *, idempotent: bool = True) -> JobSpec:
    entry = f"jobs.handlers:{function}"
    return JobSpec(params=TextParams, entry=entry, runs_in="thread", idempotent=idempotent)


REGISTRY: Mapping[str, JobSpec] = {
    **{
        name: _spec(name)
        for name in (
            *(
                "echo",
                "write_line",
                "slow_line",
                "wait",
                "chatter",
                "deaf",
                "hang",
                "unavailable",
                "throttled",
            ),
            *("report_then_fail", "login_first", "raise_badly", "return_unfit", "missing_handler"),
        )
    },
    AUTO_LOGIN: _spec("login_first"),
    "wait_for_permit": JobSpec(
        params=TextParams,
        entry="jobs.permit_handler:wait_for_permit",
        runs_in="thread",
        idempotent=True,
    ),
    "wait_once": _spec("wait", idempotent=False),
    "deaf_once": _spec("deaf", idempotent=False),
    "hang_once": _spec("hang", idempotent=False),
    "unavailable_once": _spec("unavailable", idempotent=False),
}
