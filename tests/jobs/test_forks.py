"""Handlers in threads that fork the worker, or seem to."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from munshi.errors import JobForkedError
from munshi.jobs.forks import FORKED, without_forks
from munshi.jobs.stops import JobCancelled

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


def in_thread(handler: Callable[[], object]) -> BaseException | None:
    """What came of `handler` in a thread of its own."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            with without_forks():
                handler()
        except BaseException as error:  # noqa: BLE001 - it is what the test looks at
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    return raised[0] if raised else None


def test_what_a_handler_forks_ends_before_it_does_anything(tmp_path: Path) -> None:
    codes: list[int] = []

    def handler() -> None:
        forked = os.fork()
        (tmp_path / f"{os.getpid()}").touch()
        codes.append(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))

    error = in_thread(handler)

    assert isinstance(error, JobForkedError)
    assert codes == [FORKED]
    assert [found.name for found in tmp_path.iterdir()] == [str(os.getpid())]


def test_a_handler_that_forked_and_failed_is_told_that_it_forked() -> None:
    def handler() -> None:
        os.waitpid(os.fork(), 0)
        raise ZeroDivisionError

    error = in_thread(handler)

    assert isinstance(error, JobForkedError)
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_a_pool_of_forked_processes_is_refused_too() -> None:
    def handler() -> None:
        process = multiprocessing.get_context("fork").Process(target=print)
        process.start()
        process.join()

    assert isinstance(in_thread(handler), JobForkedError)


def test_a_job_that_was_stopped_stays_stopped() -> None:
    def handler() -> None:
        os.waitpid(os.fork(), 0)
        raise JobCancelled

    assert isinstance(in_thread(handler), JobCancelled)


@pytest.mark.parametrize("before", [None, lambda: None])
def test_a_program_is_no_fork(before: Callable[[], None] | None) -> None:
    ran: list[str] = []

    def handler() -> None:
        command = [sys.executable, "-c", "print('ran')"]
        ran.append(subprocess.check_output(command, text=True, preexec_fn=before))

    assert in_thread(handler) is None
    assert ran == ["ran\n"]


def test_others_may_fork_while_a_handler_runs() -> None:
    begun, over = threading.Event(), threading.Event()
    raised: list[BaseException | None] = []

    def handler() -> None:
        begun.set()
        over.wait(30)

    thread = threading.Thread(target=lambda: raised.append(in_thread(handler)))
    thread.start()
    begun.wait(30)
    forked = os.fork()
    if forked == 0:
        with suppress(BaseException):
            os._exit(3)
    code = os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])
    over.set()
    thread.join(30)

    assert code == 3
    assert raised == [None]
