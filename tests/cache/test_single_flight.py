"""However many ask, one works it out; and if that one is killed, another does."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cache.computing_process import ComputingProcess, computed
from caches import SLOW, Counted, open_cache
from clocks import FakeClock
from databases import open_database
from munshi.cache.leases import LEASE_SECONDS
from munshi.clock import SystemClock
from munshi.errors import RequestAbandonedError
from munshi.infrastructure.database.engine import Database
from processes import wait_until

ANSWER = 42


@contextmanager
def processes(
    count: int, url: str, log: Path, *, seconds: float
) -> Iterator[list[ComputingProcess]]:
    with ExitStack() as stack:
        started = [
            ComputingProcess(url, log, seconds=seconds, answer=ANSWER + number)
            for number in range(count)
        ]
        for each in started:
            stack.callback(each.close)
        for each in started:
            each.wait_until_ready()
        yield started


def test_a_thousand_misses_at_once_compute_once(database: Database) -> None:
    with open_cache(database, SystemClock()) as cache:
        shelf = cache.open(SLOW)
        compute = Counted(ANSWER, before=lambda: time.sleep(0.2))
        gate = threading.Barrier(1000)

        def ask(_: int) -> int:
            gate.wait()
            return shelf.get_or_compute("it", compute)

        with ThreadPoolExecutor(1000) as threads:
            found = list(threads.map(ask, range(1000)))

    assert found == [ANSWER] * 1000
    assert compute.calls == 1


def test_many_processes_at_once_compute_once(any_database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with processes(5, any_database_url, log, seconds=1.0) as started:
        for each in started:
            each.go()
        answers = [each.answer()[0] for each in started]

    assert len(computed(log)) == 1
    assert len(set(answers)) == 1


def test_a_process_that_takes_longer_than_its_lease_keeps_it(
    any_database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with processes(2, any_database_url, log, seconds=LEASE_SECONDS + 2) as (first, second):
        first.go()
        first.wait_until_computing()
        second.go()
        answers = first.answer()[0], second.answer()[0]

    assert answers == (ANSWER, ANSWER)
    assert len(computed(log)) == 1


def test_another_takes_over_from_one_that_was_killed(any_database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with processes(3, any_database_url, log, seconds=1.0) as (first, *others):
        first.go()
        first.wait_until_computing()
        for each in others:
            each.go()
        first.process.kill()
        answers = [each.answer() for each in others]

    assert len({value for value, _ in answers} - {ANSWER}) == 1
    assert len(computed(log)) == 2
    assert max(seconds for _, seconds in answers) < LEASE_SECONDS + 25


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot stop a process")
def test_one_that_stood_still_does_not_overwrite_what_another_found(
    any_database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with processes(2, any_database_url, log, seconds=1.0) as (first, second):
        first.go()
        first.wait_until_computing()
        first.process.send_signal(signal.SIGSTOP)
        second.go()
        found = second.answer()[0]
        first.process.send_signal(signal.SIGCONT)
        late = first.answer()[0]

    database = open_database(any_database_url)
    with open_cache(database, SystemClock()) as cache:
        kept = cache.open(SLOW).get("it")
    database.close()
    assert (found, late, kept) == (ANSWER + 1, ANSWER, ANSWER + 1)


def test_what_fails_fails_for_all_who_wait_and_the_next_one_tries_again(
    database: Database,
) -> None:
    with open_cache(database, SystemClock()) as cache:
        shelf = cache.open(SLOW)
        calls: list[int] = []
        gate = threading.Barrier(20)

        def fail() -> int:
            calls.append(1)
            time.sleep(0.3)
            raise LookupError("not today")

        def ask(_: int) -> str:
            gate.wait()
            try:
                return str(shelf.get_or_compute("it", fail))
            except LookupError as error:
                return str(error)

        with ThreadPoolExecutor(20) as threads:
            said = list(threads.map(ask, range(20)))
        after = shelf.get_or_compute("it", Counted(ANSWER))

    assert said == ["not today"] * 20
    assert len(calls) == 1
    assert after == ANSWER


def test_one_who_is_told_to_stop_stops_nobody_else(database: Database) -> None:
    with open_cache(database, SystemClock()) as cache:
        shelf = cache.open(SLOW)
        begun, others_wait = threading.Event(), threading.Event()

        def stopped() -> int:
            begun.set()
            others_wait.wait(30)
            raise RequestAbandonedError("The job was cancelled.")

        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(shelf.get_or_compute, "it", stopped)
            begun.wait(30)
            second = threads.submit(shelf.get_or_compute, "it", Counted(ANSWER))
            others_wait.set()

            assert second.result() == ANSWER
            assert isinstance(first.exception(), RequestAbandonedError)


def test_a_stale_value_is_handed_out_while_one_works_out_the_next(
    database: Database, clock: FakeClock
) -> None:
    with open_cache(database, clock) as cache, open_cache(database, clock) as other:
        shelf, its = cache.open(SLOW), other.open(SLOW)
        shelf.set("it", 1)
        clock.advance(timedelta(seconds=61))
        may_end = threading.Event()
        compute = Counted(2, before=lambda: may_end.wait(30))

        assert shelf.get("it") is None  # it is not fresh any more
        during = [each.get_or_compute("it", compute) for each in (shelf, its) for _ in range(5)]
        may_end.set()
        wait_until(lambda: not cache._parts.flights.has("slow:it"))  # noqa: SLF001
        clock.advance(timedelta(seconds=2))

        assert during == [1] * 10
        assert compute.calls == 1
        assert [each.get_or_compute("it", compute) for each in (shelf, its)] == [2, 2]
        assert compute.calls == 1


def test_a_refresh_that_fails_leaves_the_old_value(database: Database, clock: FakeClock) -> None:
    with open_cache(database, clock) as cache:
        shelf = cache.open(SLOW)
        shelf.set("it", 1)
        clock.advance(timedelta(seconds=61))

        def fail() -> int:
            raise LookupError("not today")

        found = [shelf.get_or_compute("it", fail) for _ in range(3)]
        wait_until(lambda: not cache._parts.flights.has("slow:it"))  # noqa: SLF001
        clock.advance(timedelta(seconds=600))

        assert found == [1] * 3
        with pytest.raises(LookupError):
            shelf.get_or_compute("it", fail)


def test_what_took_long_is_worked_out_anew_before_its_time_is_over(
    database: Database, clock: FakeClock
) -> None:
    began = clock.now()
    refreshed = []
    with open_cache(database, clock) as cache:
        shelf = cache.open(SLOW)
        for number in range(40):
            slow = Counted(1, before=lambda: clock.advance(timedelta(seconds=20)))
            key = str(number)
            shelf.get_or_compute(key, slow)
            clock.advance(timedelta(seconds=45))
            quick = Counted(2)
            assert shelf.get_or_compute(key, quick) == 1
            wait_until(lambda key=key: not cache._parts.flights.has(f"slow:{key}"))  # type: ignore[misc]  # noqa: SLF001
            refreshed.append(quick.calls)

    # With 15 of 60 seconds left, of which it took 20, about half of them begin already.
    assert 5 < sum(refreshed) < 35
    assert clock.now() > began
