"""CPU jobs in child processes: what a handler may do to its process, and what comes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from jobs.child_desk import CLOCK, ChildDesk, Recorder, Shelf, make_job
from jobs.child_handlers import spec
from jobs.waiting import until
from munshi.domain.enums import Service
from munshi.errors import (
    JobHandlerFailedError,
    JobMemoryExceededError,
    JobOutputExcessiveError,
    JobProcessDiedError,
)
from munshi.jobs.children import ChildPool
from munshi.jobs.fan_out import JobWaiting, NewChild
from munshi.jobs.run import JobRun
from munshi.jobs.stops import JobCancelled, JobFenced, JobPaused, JobTimedOut

TESTS = Path(__file__).parents[1]
CONTEXT = "jobs.child_handlers:stage"

MakeDesk = Callable[..., ChildDesk]


@pytest.fixture
def make_desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDesk]:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    pools: list[ChildPool] = []

    def make(*, size: int = 1, grace_seconds: float = 0.5, context: str = CONTEXT) -> ChildDesk:
        pool = ChildPool(size=size, context=context, clock=CLOCK, grace_seconds=grace_seconds)
        pools.append(pool)
        return ChildDesk(pool)

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def desk(make_desk: MakeDesk) -> ChildDesk:
    return make_desk()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pids(folder: Path) -> list[int]:
    return [int(found.name.removeprefix("pid-")) for found in folder.iterdir()]


def the_pid(folder: Path) -> int:
    """Of the handler that said in `folder` that it spins."""
    until(lambda: any(folder.iterdir()))
    (found,) = pids(folder)
    return found


def test_a_child_runs_many_jobs_and_keeps_its_services(desk: ChildDesk) -> None:
    first, second = desk.run("echo", "a"), desk.run("echo", "b")

    assert (first["text"], second["text"]) == ("a", "b")
    assert first["pid"] == second["pid"] != os.getpid()
    assert (first["jobs"], second["jobs"]) == (1, 2)


def test_many_jobs_share_two_children(make_desk: MakeDesk) -> None:
    desk = make_desk(size=2)

    started = [desk.start("echo", str(number)) for number in range(40)]
    results = [each.outcome() for each in started]

    assert [result["text"] for result in results if isinstance(result, dict)] == [
        str(number) for number in range(40)
    ]
    assert len({result["pid"] for result in results if isinstance(result, dict)}) <= 2


def test_a_handler_in_a_child_knows_its_job_and_its_children(desk: ChildDesk) -> None:
    job = make_job(attempt=2)
    shelf = Shelf(parts=[make_job(job_type="backtest")])

    result = desk.pool.run(spec("describe"), job, Recorder(job, shelf=shelf))

    assert result == {
        "job_id": str(job.job_id),
        "attempt": 2,
        "run_at": "2026-11-25T04:00:00+00:00",
        "state": "RUNNING",
        "waits_for": None,
        "children": [["backtest", "RUNNING"]],
    }


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("SystemExit", "SystemExit: 3"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("ZeroDivisionError", "ZeroDivisionError: division by zero"),
        ("secret", "ValueError: refused: https://example.com/?access_token=…&x=1"),
        ("mute", "MuteError"),
        ("BaseException", "BaseException: all of it"),
    ],
)
def test_whatever_a_handler_raises_is_told_and_its_child_goes_on(
    desk: ChildDesk, how: str, said: str
) -> None:
    before = desk.run("echo")["pid"]

    with pytest.raises(JobHandlerFailedError) as failure:
        desk.run("raise_badly", how)

    assert (failure.value.detail, failure.value.retryable) == (said, False)
    assert failure.value.trace[-1].endswith("raise_badly")
    assert desk.run("echo")["pid"] == before


def test_an_error_that_may_pass_says_so_and_when(desk: ChildDesk) -> None:
    with pytest.raises(JobHandlerFailedError) as down:
        desk.run("raise_badly", "down")
    with pytest.raises(JobHandlerFailedError) as throttled:
        desk.run("raise_badly", "throttled")

    assert (down.value.detail, down.value.retryable) == ("The broker is down.", True)
    assert (throttled.value.retryable, throttled.value.retry_after) == (True, 7.5)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nothing", "returned NoneType, not a JSON object"),
        ("lambda", "is not JSON: Object of type function"),
        ("nan", "is not JSON"),
        ("surrogate", "is not JSON"),
        ("large", "takes 1,000,014 bytes; the most is 1,000,000"),
        ("deep", "is not JSON"),
    ],
)
def test_a_result_that_cannot_be_stored_is_told(desk: ChildDesk, what: str, said: str) -> None:
    with pytest.raises(JobHandlerFailedError, match=said):
        desk.run("return_unfit", what)


@pytest.mark.parametrize(
    ("function", "parameters", "said"),
    [
        ("missing", {"text": "x"}, "The handler jobs.child_handlers:missing does not exist."),
        ("echo", {"texts": "x"}, "The one parameter is text."),
    ],
)
def test_a_job_that_cannot_begin_fails_and_the_child_goes_on(
    desk: ChildDesk, function: str, parameters: dict[str, object], said: str
) -> None:
    before = desk.run("echo")["pid"]
    job = replace(make_job(), parameters=parameters)

    with pytest.raises(JobHandlerFailedError, match=said):
        desk.pool.run(spec(function), job, Recorder(job))

    assert desk.run("echo")["pid"] == before


def test_services_that_cannot_be_had_fail_the_job(make_desk: MakeDesk) -> None:
    desk = make_desk(context="jobs.child_handlers:no_such_stage")

    with pytest.raises(JobHandlerFailedError, match="no_such_stage"):
        desk.run("echo")


@pytest.mark.parametrize(
    ("function", "text", "said"),
    [
        ("leave", "0", "ended by itself with exit code 0"),
        ("leave", "3", "ended by itself with exit code 3"),
        ("crash", "SIGSEGV", "was ended by SIGSEGV"),
        ("crash", "SIGTERM", "was ended by SIGTERM"),
        ("crash", "SIGKILL", "was killed by SIGKILL; perhaps it ran out of memory"),
    ],
)
def test_a_child_that_dies_takes_only_its_job_along(
    make_desk: MakeDesk, tmp_path: Path, function: str, text: str, said: str
) -> None:
    desk = make_desk(size=2)
    other = desk.start("effects", str(tmp_path / "steps"))
    until((tmp_path / "steps").exists)

    with pytest.raises(JobProcessDiedError, match=said):
        desk.run(function, text)

    assert desk.run("echo")["jobs"] == 1
    assert other.thread.is_alive()
    other.run.cancel()
    assert isinstance(other.outcome(), JobCancelled)


def test_what_a_dying_child_printed_is_kept(desk: ChildDesk) -> None:
    left, crashed = desk.start("leave", "3"), desk.start("crash", "SIGSEGV")

    left.outcome()
    crashed.outcome()

    assert left.run.printed == ["Leaving."]
    assert any("in crash" in line for line in crashed.run.printed)


def test_a_child_killed_from_outside_while_idle_costs_no_job(desk: ChildDesk) -> None:
    before = desk.run("echo")["pid"]
    os.kill(before, signal.SIGKILL)

    after = desk.run("echo")

    assert after["pid"] != before


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_job_that_holds_too_much_memory_is_ended(desk: ChildDesk, where: str) -> None:
    with pytest.raises(JobMemoryExceededError, match="its type may hold 300 MB") as failure:
        desk.run("grow", where, memory_mb=300)

    assert not failure.value.retryable
    assert desk.run("echo")["jobs"] == 1


def test_what_a_handler_prints_is_in_its_log(desk: ChildDesk) -> None:
    run = desk.recorded("print_things", "hello")

    (logged,) = [line for line in run.lines if line[1] == "Logged"]
    assert sorted(run.printed) == sorted(
        ["Out: hello", "Err", "Raw, not UTF-8: \ufffd", "From a program", "bar 2", "No end"]
    )
    assert logged[0].value == "warning"
    assert logged[2]["rows"] == 3
    assert logged[2]["odd"] == "{1}"


def test_a_handler_that_reads_standard_input_finds_nothing(desk: ChildDesk) -> None:
    result = desk.run("print_things")

    assert result["read"] == ""
    assert desk.run("echo")["pid"] == result["pid"]


@pytest.mark.parametrize("what", ["lines", "line", "bytes", "log"])
def test_a_job_that_writes_without_end_is_ended(desk: ChildDesk, what: str) -> None:
    started = desk.start("flood", what)

    assert isinstance(started.outcome(), JobOutputExcessiveError)
    assert len(started.run.lines) <= 100_001
    assert desk.run("echo")["jobs"] == 1


def test_progress_reaches_the_run_coalesced_and_the_last_of_it_at_once(desk: ChildDesk) -> None:
    started = desk.start("report", "20000")

    until(lambda: started.run.told[-1:] == ["20000"])
    was_still_running = started.thread.is_alive()
    started.outcome()

    assert was_still_running
    assert len(started.run.told) < 100


@pytest.mark.parametrize("function", ["chatter", "wait_politely"])
def test_a_cancelled_handler_stops_where_it_reports_and_its_child_goes_on(
    make_desk: MakeDesk, function: str
) -> None:
    desk = make_desk(grace_seconds=30)
    before = desk.run("echo")["pid"]
    started = desk.start(function)
    assert started.run.has_reported.wait(30)

    started.run.cancel()

    assert isinstance(started.outcome(), JobCancelled)
    assert desk.run("echo")["pid"] == before


@pytest.mark.parametrize(("how", "error"), [("cancel", JobCancelled), ("fence", JobFenced)])
def test_a_deaf_handler_is_killed_after_the_grace(
    desk: ChildDesk, tmp_path: Path, how: str, error: type[BaseException]
) -> None:
    started = desk.start("spin", str(tmp_path))
    pid = the_pid(tmp_path)

    getattr(started.run, how)()

    assert isinstance(started.outcome(), error)
    assert not is_alive(pid)
    assert desk.run("echo")["jobs"] == 1


def test_native_code_that_lets_no_thread_run_is_killed_too(desk: ChildDesk) -> None:
    started = desk.start("backtrack")
    assert started.run.has_reported.wait(30)

    started.run.cancel()

    assert isinstance(started.outcome(), JobCancelled)


def test_a_handler_that_stops_itself_is_believed(desk: ChildDesk) -> None:
    with pytest.raises(JobCancelled):
        desk.run("raise_badly", "cancelled")


@pytest.mark.parametrize("function", ["spin", "chatter"])
def test_a_job_that_takes_too_long_is_ended(desk: ChildDesk, tmp_path: Path, function: str) -> None:
    with pytest.raises(JobTimedOut):
        desk.run(function, str(tmp_path), timeout_seconds=0.3)


def test_a_job_that_waits_for_a_child_can_be_cancelled(desk: ChildDesk, tmp_path: Path) -> None:
    running = desk.start("spin", str(tmp_path))
    the_pid(tmp_path)
    waiting = desk.start("echo")

    waiting.run.cancel()

    assert isinstance(waiting.outcome(5), JobCancelled)
    running.run.cancel()
    running.outcome()


def test_a_handler_whose_lease_ran_out_asks_before_it_does_more(
    desk: ChildDesk, tmp_path: Path
) -> None:
    steps = tmp_path / "steps"
    asked: list[int] = []

    def renew(run: JobRun) -> None:
        asked.append(1)
        if len(asked) < 3:
            run.extend(CLOCK.now() + timedelta(seconds=0.3))
        else:
            run.fence()

    run = Recorder(make_job(str(steps)), lease_seconds=0.3, shelf=Shelf(renew=renew))
    started = desk.start("effects", run=run)

    assert isinstance(started.outcome(), JobFenced)
    assert len(asked) == 3
    assert 1 <= len(steps.read_text().splitlines()) <= 60


def test_a_child_does_nothing_more_for_a_worker_that_sleeps_through_its_lease(
    desk: ChildDesk, tmp_path: Path
) -> None:
    steps = tmp_path / "steps"
    asleep, lease = 1.5, 0.3

    def renew(run: JobRun) -> None:
        time.sleep(asleep)
        run.fence()

    run = Recorder(make_job(str(steps)), lease_seconds=lease, shelf=Shelf(renew=renew))
    started = desk.start("effects", run=run)

    assert isinstance(started.outcome(), JobFenced)
    assert len(steps.read_text().splitlines()) <= lease / 0.02 + 1


def test_a_handler_can_pause_for_a_login(desk: ChildDesk) -> None:
    with pytest.raises(JobPaused) as paused:
        desk.run("pause")

    assert (paused.value.service, paused.value.link) == (Service.KITE, "http://localhost/login")


def test_a_handler_can_fan_out(desk: ChildDesk) -> None:
    with pytest.raises(JobWaiting) as waiting:
        desk.run("fan_out")

    assert waiting.value.children == tuple(
        NewChild(job_type="echo", parameters={"text": text}, priority=2) for text in ("a", "b")
    )


@pytest.mark.parametrize(
    ("how", "said"), [("unfit", "cannot be sent to its worker"), ("none", "TypeError")]
)
def test_children_that_are_none_fail_the_job(desk: ChildDesk, how: str, said: str) -> None:
    before = desk.run("echo")["pid"]

    with pytest.raises(JobHandlerFailedError, match=said):
        desk.run("fan_out", how)

    assert desk.run("echo")["pid"] == before


def test_a_handler_hands_over_artifacts(desk: ChildDesk, tmp_path: Path) -> None:
    run = desk.recorded("keep", str(tmp_path / "file"))

    assert run.shelf.artifacts == {
        "file.txt": (b"from a file", "text/plain"),
        "bytes.bin": (b"from memory", "application/octet-stream"),
    }


def test_an_artifact_that_the_worker_refuses_fails_the_job(desk: ChildDesk, tmp_path: Path) -> None:
    shelf = Shelf(refusal="No room for file.txt.")
    run = Recorder(make_job(str(tmp_path / "file")), shelf=shelf)

    failure = desk.start("keep", run=run).outcome()

    assert isinstance(failure, JobHandlerFailedError)
    assert failure.detail == "No room for file.txt."


@pytest.mark.parametrize("how", ["comes back", "raises"])
def test_what_a_handler_forked_never_speaks_for_the_job(desk: ChildDesk, how: str) -> None:
    result = desk.run("fork", how)

    assert not is_alive(result["forked"])
    assert desk.run("echo")["text"] == "x"


def test_what_a_handler_forked_ends_with_the_job(desk: ChildDesk) -> None:
    result = desk.run("fork", "lives on")

    assert not is_alive(result["forked"])
    assert not is_alive(result["pid"])
    assert desk.run("echo")["jobs"] == 1


def test_a_killed_job_takes_along_what_it_started(desk: ChildDesk) -> None:
    started = desk.start("grow", "elsewhere", memory_mb=300)
    outcome = started.outcome()

    left = [
        process.pid
        for process in psutil.Process().children(recursive=True)
        if "input()" in " ".join(process.cmdline())
    ]

    assert isinstance(outcome, JobMemoryExceededError)
    assert left == []


def test_a_child_survives_programs_that_end_but_not_those_that_stay(desk: ChildDesk) -> None:
    ended = desk.run("start_program")
    stayed = desk.run("leave_program")

    assert ended["pid"] == stayed["pid"]
    assert not is_alive(stayed["pid"])
    until(lambda: not is_alive(stayed["left"]), seconds=5)


@pytest.mark.parametrize("which", ["standard", "streams"])
def test_a_handler_that_closes_its_streams_leaves_whole_ones_to_the_next(
    desk: ChildDesk, which: str
) -> None:
    before = desk.run("close_descriptors", which)["pid"]

    run = desk.recorded("print_things", "hello")

    assert "Out: hello" in run.printed
    assert desk.run("echo")["pid"] == before


def test_a_handler_that_closes_every_descriptor_ends_its_process(desk: ChildDesk) -> None:
    with pytest.raises(JobProcessDiedError, match="had closed the pipe to its worker"):
        desk.run("close_descriptors", "all")

    assert desk.run("echo")["jobs"] == 1


def test_no_message_of_ours_gets_into_a_file_that_took_the_pipes_number(
    desk: ChildDesk, tmp_path: Path
) -> None:
    file = tmp_path / "file"

    with pytest.raises(JobProcessDiedError, match="had closed the pipe to its worker"):
        desk.run("close_descriptors", str(file))

    assert b"type" not in file.read_bytes()


def test_a_thread_that_a_handler_left_behind_says_nothing_about_the_next_job(
    desk: ChildDesk,
) -> None:
    before = desk.run("leave_thread")["pid"]

    after = desk.recorded("report", "5")

    assert desk.run("echo")["pid"] == before
    assert [event for _, event, _ in after.lines] == []
    assert "Still here." not in after.told


def test_neither_a_pool_nor_an_idle_child_imports_a_heavy_library() -> None:
    heavy = {"sqlalchemy", "polars", "numpy", "pandas", "httpx", "pydantic", "fastapi", "structlog"}
    script = "import sys, munshi.jobs.child, munshi.jobs.children; print(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    imported = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "psutil" in imported
    assert imported.isdisjoint(heavy)


def test_a_closed_pool_lets_its_children_close_their_services(
    make_desk: MakeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNSHI_TEST_GOODBYE", str(tmp_path / "goodbye"))
    desk = make_desk()
    pid = desk.run("echo")["pid"]

    desk.pool.close()

    assert not is_alive(pid)
    assert (tmp_path / "goodbye").exists()


def test_children_end_with_their_worker_even_if_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "jobs.child_parent", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    ) as worker:
        until(lambda: len(pids(tmp_path)) == 4)
        found = pids(tmp_path)
        were_alive = all(map(is_alive, found))
        worker.kill()

    until(lambda: not any(map(is_alive, found)), seconds=20)
    assert were_alive


def test_a_child_is_replaced_after_a_hundred_jobs(desk: ChildDesk) -> None:
    found = [desk.run("echo")["pid"] for _ in range(101)]

    assert len(set(found[:100])) == 1
    assert found[100] != found[0]


def test_a_child_that_stays_large_is_replaced(desk: ChildDesk) -> None:
    before = desk.run("stay_large")["pid"]

    assert desk.run("echo", memory_mb=400)["pid"] == before
    assert desk.run("echo", memory_mb=200)["pid"] == before
    assert desk.run("echo", memory_mb=200)["pid"] != before
