"""The demo killed with SIGKILL: started again it has its logins, its jobs and its data."""

import re
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from munshi.infrastructure.brokers.simulator.record import read_record
from processes import MunshiProcess, environment, wait_until

SERVING = r"Serving http://localhost:(\d+)"
# Calls that a login makes; nothing else ends in one of these classes.
BARS = 1500  # twenty days of 75 bars, and more
LOGIN_CALLS = ("login", "session", "customerdetails")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the API of a running demo shows."""

    logins: dict[str, tuple[bool, str, str]]
    jobs: dict[str, str]
    coverage: list[dict[str, Any]]


class Demo:
    """A demo's home, and its next run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.home = folder / "home"

    def start(self) -> MunshiProcess:
        # A short lease, so that what a killed run left is taken up while the test still looks.
        env = environment(self.home, MUNSHI_LEASE_SECONDS="1")
        words = ("demo", "--home", str(self.home), "--port", "0")
        return MunshiProcess(*words, env=env, cwd=self._folder)

    def simulator(self) -> psutil.Process:
        wait_until(lambda: read_record(self.home) is not None)
        record = read_record(self.home)
        assert record is not None
        return psutil.Process(record.pid)

    def login_calls(self) -> list[tuple[str, str]]:
        """Path and time of every login call the brokers have seen."""
        marks = ", ".join("?" for _ in LOGIN_CALLS)
        return self._rows(
            "simulator.db",
            f"SELECT path, arrived_at FROM arrivals WHERE endpoint_class IN ({marks}) ORDER BY 2",
            LOGIN_CALLS,
        )

    def running_jobs(self) -> list[tuple[str, str]]:
        return self._rows(
            "munshi.db", "SELECT job_id, message FROM BackgroundJobs WHERE status = 'running'"
        )

    def _rows(
        self, name: str, statement: str, values: tuple[str, ...] = ()
    ) -> list[tuple[str, str]]:
        """Nothing while the file or its tables are still being made."""
        try:
            with closing(sqlite3.connect(f"file:{self.home / name}?mode=ro", uri=True)) as reader:
                return reader.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if re.match("unable to open|no such table|database is locked", str(error)):
                return []
            raise


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def look(port: str) -> Found:
    with httpx.Client(base_url=f"http://localhost:{port}", trust_env=False, timeout=30) as client:
        status = client.get("/auth/db/status").json()
        jobs = client.get("/jobs/recent").json()["jobs"]
        coverage = client.get("/data/coverage").json()["series"]
    return Found(
        logins={
            service: (one["authenticated"], one["user"]["id"], one["expires_at"])
            for service, one in status["services"].items()
        },
        jobs={job["job_id"]: job["state"] for job in jobs},
        coverage=coverage,
    )


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_killed_demo_comes_back_with_all_it_had(demo: Demo) -> None:
    with demo.start() as first:
        before = look(first.wait_until_said(SERVING)[1])
        first_simulator = demo.simulator()
        first.stop(signal.SIGKILL)
    wait_until(lambda: gone(first_simulator))
    calls = demo.login_calls()

    with demo.start() as second:
        after = look(second.wait_until_said(SERVING)[1])
        second_simulator = demo.simulator()
        code = second.stop(signal.SIGTERM)

    assert {service: one[0] for service, one in before.logins.items()} == {
        "kite": True,
        "breeze": True,
    }
    assert after.logins == before.logins
    assert set(before.jobs.values()) == {"succeeded"}
    assert before.jobs.items() <= after.jobs.items()
    assert before.coverage
    assert after.coverage == before.coverage
    assert second.said.count("restored, no new login") == 2
    assert calls
    assert demo.login_calls() == calls
    assert code == 0
    assert gone(second_simulator)


def test_a_demo_killed_while_it_collects_finishes_the_work(demo: Demo) -> None:
    with demo.start() as first:
        wait_until(lambda: bool(demo.running_jobs()), told=lambda: first.said)
        simulator = demo.simulator()
        first.stop(signal.SIGKILL)
    wait_until(lambda: gone(simulator))
    left = [job_id for job_id, _ in demo.running_jobs()]
    calls = demo.login_calls()

    with demo.start() as second:
        port = second.wait_until_said(SERVING)[1]
        wait_until(lambda: set(look(port).jobs.values()) == {"succeeded"}, told=lambda: second.said)
        found = look(port)
        second.stop(signal.SIGTERM)

    assert left
    assert len(found.jobs) == 4
    assert demo.login_calls() == calls
    assert [series["rows"] >= BARS for series in found.coverage] == [True] * 3
