"""Every fault of the simulated brokers at every call, in random order, while a desk does its work.

No row is lost or stored twice, no quota broken, no token in a log, and every gap explained.
`make chaos` makes 20,000 calls and prints the counts.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import httpx
import pytest

from chaos.campaign import IS_LONG, SEED, Telling
from chaos.patchy_candles import PatchyCandles
from chaos.soak import BEGINS, LAST, Soak
from chaos.soak_verdict import judge
from chaos.weather import OF_CALLS, PATIENCE_SECONDS, Weather
from clocks import FakeClock
from desks import Desk
from leak_watch import LeakWatch
from leaks import SHORTEST
from munshi.bootstrap import BrokerEndpoints, open_services
from munshi.domain.jobs import JobState
from munshi.settings import Settings
from simulators import Simulator

CALLS = 20_000 if IS_LONG else 250
KEPT = 1_000_000
# A long soak makes thousands, and looking for each in all that was written takes as long again.
MOST_SECRETS = 500
# What every broker's user has by heart or in a cookie, as the simulator keeps it.
TOKENS = {
    "kite_request_tokens": ("token",),
    "kite_access_tokens": ("token",),
    "kite_web_sessions": ("kf_session", "enctoken"),
    "breeze_sessions": ("api_session", "session_key"),
}


@pytest.fixture
def patchy() -> PatchyCandles:
    return PatchyCandles(last_flaw=LAST)


@pytest.fixture
def hindered(desk_settings: Settings, tmp_path: Path, patchy: PatchyCandles) -> Iterator[Desk]:
    folder = tmp_path / "brokers"
    folder.mkdir()
    clock = FakeClock(BEGINS)
    simulator = Simulator(folder, clock, candles=patchy, arrivals_kept=KEPT)
    simulator.documented_limits()
    settings = desk_settings.model_copy(update={"home": tmp_path / "home"})
    at, timeout = BrokerEndpoints.at(simulator.url), httpx.Timeout(PATIENCE_SECONDS)
    try:
        with open_services(settings, clock=clock, endpoints=at, timeout=timeout) as services:
            yield Desk(services=services, simulator=simulator, clock=clock)
    finally:
        simulator.stop()


def tokens(state_file: Path) -> set[str]:
    """Every token that a broker gave out."""
    with closing(sqlite3.connect(state_file)) as state:
        return {
            str(value)
            for table, columns in TOKENS.items()
            for row in state.execute(f"SELECT {', '.join(columns)} FROM {table}")
            for value in row
            if len(str(value)) >= SHORTEST
        }


@pytest.mark.timeout(3 * 3600 if IS_LONG else 180)
def test_a_soak_loses_nothing_breaks_no_quota_and_explains_every_gap(
    hindered: Desk, patchy: PatchyCandles, telling: Telling, tmp_path: Path
) -> None:
    chance, watch = Random(SEED), LeakWatch()  # noqa: S311 - chaos that can be repeated
    weather = Weather(hindered.simulator, chance, share=0.35)
    soak = Soak(hindered, patchy, chance, weather=weather)

    try:
        with watch.listening():
            soak.run(calls=CALLS)
            ends = soak.settle()
        soak.books.look_at_all()
    finally:
        verdict = judge(hindered.simulator.state_file, soak.errands)
        telling.say(f"{telling.name}: seed {SEED}")
        for line in (*verdict.table(), *soak.table()):
            telling.say(line)
    watch.places["errors"] = "\n".join(soak.said).encode()
    watch.places["database"] = b"".join(
        path.read_bytes() for path in sorted(tmp_path.glob("munshi.db*"))
    )
    also = tokens(hindered.simulator.state_file)
    leaks = watch.find(hindered.services, also=also, most=MOST_SECRETS)

    assert "\n".join(soak.books.wrong) == ""
    assert "\n".join(verdict.wrong) == ""
    assert leaks == []
    assert set(ends) == {JobState.SUCCEEDED}
    assert {kind for _, kind in verdict.faults} >= set(OF_CALLS)
    assert sum(verdict.calls.values()) >= CALLS
