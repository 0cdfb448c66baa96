"""Handlers that tests run in child processes; each misbehaves in its own way."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.handlers import TextParams
from munshi.domain.enums import Service
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import LogLevel
from munshi.errors import BrokerThrottledError, BrokerUnavailableError
from munshi.jobs.child_run import ChildRun
from munshi.jobs.fan_out import NewChild
from munshi.jobs.run import running_job_must_stop
from munshi.jobs.stops import JobCancelled


@dataclass(slots=True)
class Stage:
    """What these handlers are given: it counts the jobs of its process."""

    jobs: int = 0
    left: list[Any] = field(default_factory=list)


@contextmanager
def stage() -> Iterator[Stage]:
    """With MUNSHI_TEST_GOODBYE it says on leaving that it did, in the file of that name."""
    yield Stage()
    if goodbye := os.environ.get("MUNSHI_TEST_GOODBYE"):
        Path(goodbye).touch()


def echo(stage: Stage, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    stage.jobs += 1
    run.progress(50, f"Echoing {parameters.text}.")
    return {"text": parameters.text, "pid": os.getpid(), "jobs": stage.jobs}


def describe(_: object, run: ChildRun, __: TextParams) -> dict[str, Any]:
    """What a handler can know of its job."""
    job = run.job
    return {
        "job_id": str(run.job_id),
        "attempt": run.attempt,
        "run_at": job.run_at.isoformat(),
        "state": job.state.name,
        "waits_for": job.waits_for_service and job.waits_for_service.name,
        "children": [[child.job_type, child.state.name] for child in run.children()],
    }


class MuteError(Exception):
    """Cannot be shown, compared or pickled."""

    def __init__(self) -> None:
        super().__init__(threading.Lock())

    def __str__(self) -> str:
        raise RuntimeError

    def __reduce__(self) -> str:
        raise RuntimeError


_BADLY: Mapping[str, BaseException] = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "ZeroDivisionError": ZeroDivisionError("division by zero"),
    "secret": ValueError("refused: https://example.com/?access_token=hush-hush&x=1"),
    "mute": MuteError(),
    "BaseException": BaseException("all of it"),
    "down": BrokerUnavailableError("The broker is down."),
    "throttled": BrokerThrottledError("The broker said wait.", retry_after=7.5),
    "cancelled": JobCancelled(),
}


def raise_badly(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    raise _BADLY[parameters.text]


_UNFIT: Mapping[str, Any] = {
    "nothing": None,
    "lambda": {"value": lambda: None},
    "nan": {"value": float("nan")},
    "surrogate": {"value": "\ud800"},
    "large": {"value": "x" * 1_000_001},
}


def return_unfit(_: object, __: ChildRun, parameters: TextParams) -> Any:  # noqa: ANN401
    if parameters.text == "deep":
        deep: list[Any] = []
        for _turn in range(100_000):
            deep = [deep]
        return {"value": deep}
    return _UNFIT[parameters.text]


def leave(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    print("Leaving.", flush=True)  # noqa: T201
    os._exit(int(parameters.text))


def crash(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    os.kill(os.getpid(), signal.Signals[parameters.text])
    time.sleep(30)
    return {}


def grow(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """Hold ever more memory: itself, or in a process of its own."""
    if parameters.text == "elsewhere":
        subprocess.run([sys.executable, "-c", "x = b'x' * 10**9; input()"], check=False)
    held = []
    for turn in range(200):
        held.append(b"x" * 10_000_000)
        run.progress(turn / 2, f"{turn} held.")
        time.sleep(0.01)
    return {}


def stay_large(stage: Stage, __: ChildRun, ___: TextParams) -> dict[str, Any]:
    """Leave 120 MB behind."""
    stage.left.append(b"x" * 120_000_000)
    return {"pid": os.getpid()}


def print_things(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    print(f"Out: {parameters.text}")  # noqa: T201
    sys.stderr.write("Err\n")
    os.write(1, b"Raw, not UTF-8: \xff\n")
    subprocess.run(["echo", "From a program"], check=True)
    run.log("Logged", level=LogLevel.WARNING, rows=3, odd={1}, broken=MuteError)
    sys.stdout.write("\rbar 1\rbar 2\n\nNo end")
    return {"read": sys.stdin.read(), "pid": os.getpid()}


def flood(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """Write without end, deaf: whole lines, one long line, log lines, or what is no text."""
    while True:
        if parameters.text == "log":
            __.log("Again.")
        else:
            os.write(1, _FLOODS[parameters.text])


_FLOODS = {"lines": b"y\n" * 500, "line": b"y" * 1000, "bytes": b"\xff\x00\r" * 1000}


def spin(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """Use the CPU and never look up; say so in the folder that the parameter names."""
    (Path(parameters.text) / f"pid-{os.getpid()}").touch()
    while True:
        pass


def spin_twice(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """The same, and in a forked process too."""
    os.fork()
    return spin(_, __, parameters)


def announce(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    (Path(parameters.text) / f"pid-{os.getpid()}").touch()
    return {}


def backtrack(_: object, run: ChildRun, __: TextParams) -> dict[str, Any]:
    """Stay for minutes in one call of native code that never lets another thread run."""
    run.progress(10, "Matching.")
    re.match(r"(a+)+$", "a" * 34 + "b")
    return {}


def chatter(_: object, run: ChildRun, __: TextParams) -> dict[str, Any]:
    """Report as fast as it goes until stopped."""
    count = 0
    while True:
        count += 1
        run.progress(count % 100, f"{count}")


def report(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """As many reports as told, at once, then nothing for a while."""
    for count in range(int(parameters.text)):
        run.progress(count % 100, f"{count + 1}")
    time.sleep(0.5)
    return {}


def wait_politely(_: object, run: ChildRun, __: TextParams) -> dict[str, Any]:
    """As a broker client waits for a permit."""
    run.progress(1, "Waiting.")
    while not running_job_must_stop():
        time.sleep(0.01)
    run.check_cancelled()
    return {}


def effects(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """One line a step, each after asking whether to go on."""
    for step in range(1000):
        run.progress(step / 10, f"step {step}")
        with Path(parameters.text).open("a", encoding="utf-8") as file:
            file.write(f"{step}\n")
        time.sleep(0.02)
    return {}


def pause(_: object, run: ChildRun, __: TextParams) -> dict[str, Any]:
    run.pause_for_login(Service.KITE, "http://localhost/login")


def fan_out(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    if parameters.text == "unfit":
        run.fan_out([NewChild(job_type="echo", parameters={"text": {1}})])
    if parameters.text == "none":
        run.fan_out(["echo"])  # type: ignore[list-item]
    run.fan_out([NewChild(job_type="echo", parameters={"text": n}, priority=2) for n in ("a", "b")])


def keep(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """Two artifacts: bytes, and a file, which is gone as soon as it was handed over."""
    file = Path(parameters.text)
    file.write_bytes(b"from a file")
    run.add_artifact("file.txt", file, "text/plain")
    file.unlink()
    run.add_artifact("bytes.bin", b"from memory")
    return {}


def fork(_: object, run: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """Fork; the forked one comes back from the handler, or lives on and holds every pipe."""
    forked = os.fork()
    if forked == 0:
        if parameters.text == "lives on":
            time.sleep(60)
        if parameters.text == "raises":
            raise ZeroDivisionError
        return {"forked": "came back"}
    run.progress(50, str(forked))
    if parameters.text != "lives on":
        os.waitpid(forked, 0)
    return {"forked": forked, "pid": os.getpid()}


def start_program(_: object, __: ChildRun, ___: TextParams) -> dict[str, Any]:
    subprocess.run([sys.executable, "-c", ""], check=True)
    return {"pid": os.getpid()}


def leave_program(_: object, __: ChildRun, ___: TextParams) -> dict[str, Any]:
    """Start a program that outlives its parent, a shell."""
    shell = ["sh", "-c", "sleep 60 > /dev/null & echo $!"]
    ran = subprocess.run(shell, stdout=subprocess.PIPE, text=True, check=True)
    return {"left": int(ran.stdout), "pid": os.getpid()}


def close_descriptors(_: object, __: ChildRun, parameters: TextParams) -> dict[str, Any]:
    """The standard ones, Python's own streams, all others, or all with files in their place."""
    if parameters.text == "standard":
        for number in (0, 1, 2):
            os.close(number)
    elif parameters.text == "streams":
        sys.stdin.close()
        sys.stdout.close()
        sys.stderr = None
    else:
        os.closerange(0, 256)
    if parameters.text.startswith("/"):
        for _turn in range(20):
            os.open(parameters.text, os.O_RDWR | os.O_CREAT)
    return {"pid": os.getpid()}


def leave_thread(_: object, run: ChildRun, __: TextParams) -> dict[str, Any]:
    """A thread goes on after the handler and says so all the time."""

    def go_on() -> None:
        while True:
            run.log("Still here.")
            run.progress(99, "Still here.")
            time.sleep(0.01)

    threading.Thread(target=go_on, daemon=True).start()
    return {"pid": os.getpid()}


def spec(function: str, **changed: Any) -> JobSpec:  # noqa: ANN401
    entry = f"jobs.child_handlers:{function}"
    return JobSpec(params=TextParams, entry=entry, runs_in="process", idempotent=True, **changed)
