"""However many processes call, no window at the broker ever holds more than the limit.

Judged by the simulator's own log of arrivals. MUNSHI_CHAOS=long makes 20,000 calls of each.
"""

import time
from contextlib import closing
from pathlib import Path

import pytest

from chaos.campaign import IS_LONG
from databases import open_database
from munshi.clock import SystemClock
from quotas import set_limit
from rate_limits.caller_process import CALLED
from rate_limits.proof import arrivals, callers, fullest_window, judge, simulator_process

LEAST_USED = 0.97
SHORT_CASES = [(1, 100), (4, 500), (8, 100)]
OTHER_CASES = [(4, 100), (1, 500), (8, 500)]
LONG_CALLS, SHORT_TURNS = 20_000, 3


def prepare(url: str, *, limit: int, window: int = 1) -> None:
    with closing(open_database(url)) as database:
        set_limit(database, SystemClock(), CALLED, {"requests": limit, "seconds": window})


def run(
    url: str, home: Path, *, processes: int, limit: int, calls: int, window: int = 1
) -> tuple[list[float], list[float]]:
    """Arrivals at the broker, and how long each reply took."""
    prepare(url, limit=limit, window=window)
    with (
        simulator_process(home) as broker,
        callers(processes, database=url, broker=broker, threads=16, calls=calls) as started,
    ):
        replies = [reply for each in started for reply in each.replies()]
    return arrivals(home), replies


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("processes", "limit"), SHORT_CASES + (OTHER_CASES if IS_LONG else []))
def test_no_window_holds_more_than_the_limit(
    any_database_url: str,
    tmp_path: Path,
    processes: int,
    limit: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = LONG_CALLS if IS_LONG else SHORT_TURNS * limit

    arrived, replies = run(
        any_database_url, tmp_path, processes=processes, limit=limit, calls=calls
    )
    verdict = judge(arrived, replies, limit=limit, window=1.0)

    tell(f"{processes} processes, {limit} a second, {verdict}", capsys)
    assert verdict.calls == len(replies)
    assert verdict.fullest <= limit
    if IS_LONG:  # in the short form starting and stopping weigh too much
        assert verdict.used >= LEAST_USED


@pytest.mark.timeout(600)
def test_500_calls_at_a_real_limit(
    any_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kite's ten a second; 60 calls in the short form."""
    calls = 500 if IS_LONG else 60

    arrived, replies = run(any_database_url, tmp_path, processes=4, limit=10, calls=calls)
    verdict = judge(arrived, replies, limit=10, window=1.0)

    tell(f"4 processes, 10 a second, {verdict}", capsys)
    assert verdict.calls == calls
    assert verdict.fullest <= 10


@pytest.mark.timeout(600)
def test_killing_those_who_hold_slots_lets_nobody_call_too_often(
    any_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limit, calls = 50, 2000 if IS_LONG else 400
    prepare(any_database_url, limit=limit)
    with (
        simulator_process(tmp_path) as broker,
        callers(5, database=any_database_url, broker=broker, threads=15, calls=calls) as started,
    ):
        for killed in started[:3]:
            time.sleep(1.3)
            killed.kill()
        for other in started[3:]:
            other.replies()

    arrived = arrivals(tmp_path)
    fullest = fullest_window(arrived, 1.0)
    tell(f"3 of 5 processes killed, {len(arrived)} calls, at most {fullest} in a window", capsys)
    assert fullest <= limit
    assert len(arrived) >= 2 * calls // 5


def tell(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not IS_LONG:
        print(line)  # noqa: T201 - pytest shows it with a failure
        return
    with capsys.disabled():
        print(f"\n  {line}")  # noqa: T201
