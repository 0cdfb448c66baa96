"""The simulator as a process: found again, joined, stopped, never outliving its parent."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.simulator.process import SimulatorProcess, live_simulator
from munshi.infrastructure.brokers.simulator.record import (
    SimulatorRecord,
    read_record,
    write_record,
)
from simulators import body_of

PARENT = """
import sys
from pathlib import Path
from munshi.infrastructure.brokers.simulator.process import SimulatorProcess
running = SimulatorProcess(Path(sys.argv[1]))
running.start()
print(running.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def started(home: Path) -> Iterator[SimulatorProcess]:
    running = SimulatorProcess(home)
    running.start()
    yield running
    running.stop()


def waits_until_gone(pid: int, *, seconds: float = 20.0) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.05)
        return False
    return True


def test_started_simulator_is_recorded_answers_and_can_be_joined(
    started: SimulatorProcess, home: Path
) -> None:
    record = read_record(home)
    state = body_of(httpx.get(f"{started.url}/_simulator/state", trust_env=False))

    joined = SimulatorProcess(home)
    joined.start()
    joined.stop()

    assert record is not None
    assert (record.url, record.pid) == (started.url, started.pid)
    assert state["home"] == str(home.resolve())
    assert (joined.url, joined.pid) == (started.url, None)
    assert started.is_alive()


def test_restarted_simulator_is_the_same_broker(home: Path) -> None:
    identities = []
    for _ in range(2):
        running = SimulatorProcess(home)
        running.start()
        state = httpx.get(f"{running.url}/_simulator/state", trust_env=False)
        identities.append(body_of(state)["identity"])
        psutil.Process(running.pid).kill()
        running.stop()

    assert identities[0] == identities[1]


def test_simulator_ends_when_its_parent_is_killed(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        alive_before = psutil.pid_exists(child)
        parent.kill()

    assert alive_before
    assert waits_until_gone(child)
    assert live_simulator(home) is None


def test_stale_record_is_not_joined(home: Path) -> None:
    home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    stale = SimulatorRecord(url=f"http://127.0.0.1:{port}", port=port, pid=1, identity="gone")
    write_record(home, stale)

    running = SimulatorProcess(home)
    running.start()

    assert running.pid is not None
    assert running.url != stale.url or read_record(home) != stale
    running.stop()


def test_simulator_of_another_home_is_not_joined(
    started: SimulatorProcess, home: Path, tmp_path: Path
) -> None:
    record = read_record(home)
    assert record is not None
    other = tmp_path / "other"
    other.mkdir()

    write_record(other, record)

    assert live_simulator(other) is None
    assert live_simulator(home) == record
    assert started.is_alive()


def test_record_that_is_no_record_is_ignored(home: Path) -> None:
    home.mkdir()
    (home / "simulator.json").write_text("{half", "utf-8")

    assert read_record(home) is None
    assert live_simulator(home) is None


def test_start_that_fails_passes_on_the_reason(home: Path, tmp_path: Path) -> None:
    running = SimulatorProcess(home, data=tmp_path / "nothing-here")

    with pytest.raises(BrokerUnavailableError, match="no CSV or Parquet file"):
        running.start()

    assert running.pid is None


def test_busy_port_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(BrokerUnavailableError, match=f"cannot listen on 127.0.0.1:{port}"):
            SimulatorProcess(home, port=port).start()


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_unusable_home_is_one_line_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "munshi.infrastructure.brokers.simulator",
            "--home",
            str(tmp_path / "file" / "home"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "cannot keep its state" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_start_right_after_a_kill_gets_a_simulator_that_stays(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        parent.kill()

    again = SimulatorProcess(home)
    again.start()
    gone = waits_until_gone(orphan)

    assert gone
    assert again.pid is not None
    assert again.is_alive()
    again.stop()


def test_of_two_that_start_at_once_one_runs_and_the_other_joins(home: Path) -> None:
    both = [SimulatorProcess(home), SimulatorProcess(home)]

    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(SimulatorProcess.start, both))

    assert urls[0] == urls[1]
    assert sorted(running.pid is None for running in both) == [False, True]
    for running in both:
        running.stop()
