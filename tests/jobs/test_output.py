"""Where the words go that handlers print in threads."""

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

import pytest

from munshi.errors import JobOutputExcessiveError
from munshi.jobs.output import output_kept, route_output
from munshi.jobs.output_lines import LINE_CHARACTERS


@contextmanager
def worker() -> Iterator[io.StringIO]:
    """A worker's routed output, and what of it came out on the real stream."""
    with redirect_stdout(io.StringIO()) as real, route_output():
        yield real


def print_without_end(printed: list[int]) -> None:
    while True:
        sys.stdout.write("y\n" * 100)
        printed.append(100)


def print_without_listening() -> None:
    for _ in range(30):
        with suppress(JobOutputExcessiveError):
            sys.stdout.write("y" * 1_000_000)


def test_a_jobs_thread_prints_into_its_log_and_the_others_where_they_always_did() -> None:
    kept: dict[str, list[str]] = {"a": [], "b": []}
    both_print = threading.Barrier(2)

    def handle(name: str) -> None:
        with output_kept(kept[name].append):
            both_print.wait(5)
            sys.stdout.write(f"{name} one\n{name} ")
            both_print.wait(5)
            sys.stdout.write("two\n")
            sys.stderr.write("no end")

    with worker() as real:
        threads = [threading.Thread(target=handle, args=(name,)) for name in kept]
        for thread in threads:
            thread.start()
        sys.stdout.write("worker\n")
        for thread in threads:
            thread.join()

    assert kept == {name: [f"{name} one", f"{name} two", "no end"] for name in kept}
    assert real.getvalue() == "worker\n"


def test_what_a_handlers_own_thread_prints_passes_through() -> None:
    kept: list[str] = []

    with worker() as real, output_kept(kept.append):
        thread = threading.Thread(target=sys.stdout.write, args=("from elsewhere\n",))
        thread.start()
        thread.join()

    assert kept == []
    assert real.getvalue() == "from elsewhere\n"


def test_bytes_and_progress_bars_are_kept_as_a_terminal_would_show_them() -> None:
    kept: list[str] = []

    with worker() as real, output_kept(kept.append):
        sys.stdout.buffer.write(b"raw \xff\r\n")
        sys.stdout.writelines(["\rbar 1", "\rbar 2", "\rbar 3\n", "\n", "x" * 5000])
        sys.stdout.flush()

    pieces = ["x" * LINE_CHARACTERS, "x" * (5000 - LINE_CHARACTERS)]
    assert kept == ["raw \ufffd", "bar 3", *pieces]
    assert real.getvalue() == ""


def test_a_handler_that_prints_without_end_is_stopped_by_its_own_print() -> None:
    kept: list[str] = []
    printed: list[int] = []

    with worker(), pytest.raises(JobOutputExcessiveError), output_kept(kept.append):
        print_without_end(printed)

    assert sum(printed) == len(kept) == 100_000


def test_a_handler_that_swallows_that_fails_all_the_same() -> None:
    kept: list[str] = []

    with worker(), pytest.raises(JobOutputExcessiveError), output_kept(kept.append):
        print_without_listening()

    assert sum(map(len, kept)) == 10_000_000


def test_a_handler_cannot_close_the_workers_output() -> None:
    with worker() as real:
        with output_kept(print):
            sys.stdout.close()
        sys.stdout.write("still open")

    assert real.getvalue() == "still open"


def test_keeping_a_line_may_print() -> None:
    with worker() as real, output_kept(lambda line: sys.stdout.write(f"kept {line}\n")):
        sys.stdout.write("one\n")

    assert real.getvalue() == "kept one\n"
