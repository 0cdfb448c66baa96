"""However many processes call, no window at the broker ever holds more than the limit.

Judged by the simulator's own log of arrivals. MUNSHI_CHAOS=long makes 20,000 calls of each.
"""

from pathlib import Path

import pytest

from chaos.campaign import IS_LONG
from databases import open_database
from munshi.clock import SystemClock
from quotas import set_limit
from rate_limits.caller_process import CALLED
from rate_limits.proof import arrivals, callers, judge, simulator_process

LEAST_USED = 0.97
LONG_CALLS = 20_000


def run(
    url: str, home: Path, *, processes: int, limit: int, calls: int, window: int = 1
) -> tuple[list[float], list[float]]:
    """Arrivals at the broker, and how long each reply took."""
    database = open_database(url)
    set_limit(database, SystemClock(), CALLED, {"requests": limit, "seconds": window})
    database.close()
    with (
        simulator_process(home) as broker,
        callers(processes, database=url, broker=broker, threads=16, calls=calls) as started,
    ):
        replies = [reply for each in started for reply in each.replies()]
    return arrivals(home), replies


@pytest.mark.timeout(600)
@pytest.mark.parametrize("processes", [1, 4, 8])
@pytest.mark.parametrize("limit", [100, 500])
def test_no_window_holds_more_than_the_limit(
    any_database_url: str,
    tmp_path: Path,
    processes: int,
    limit: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = LONG_CALLS if IS_LONG else 4 * limit

    arrived, replies = run(
        any_database_url, tmp_path, processes=processes, limit=limit, calls=calls
    )
    verdict = judge(arrived, replies, limit=limit, window=1.0)

    tell(f"{processes} processes, {limit} a second, {verdict}", capsys)
    assert verdict.calls == len(replies)
    assert verdict.fullest <= limit


def tell(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not IS_LONG:
        print(line)  # noqa: T201 - pytest shows it with a failure
        return
    with capsys.disabled():
        print(f"\n  {line}")  # noqa: T201
