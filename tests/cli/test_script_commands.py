"""`munshi run` and `munshi token`: how a token leaves, and what is written down about it."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Munshi
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER
from simulators import Simulator

SIMULATED = "SIMULATED brokers: no price and no login here is real.\n"
TELL = """
import json, os, sys
names = [name for name in os.environ if name.startswith(("KITE_", "BREEZE_", "MUNSHI_"))]
with open(sys.argv[1], "w") as file:
    json.dump({name: os.environ[name] for name in names}, file)
sys.exit(7)
"""


@pytest.fixture
def kite_token(munshi: Munshi, brokers: Simulator) -> str:
    """The token of a login at Kite that was just made."""
    munshi("login", "kite", "--token", brokers.kite_request_token())
    return munshi("token", "kite", "--yes").stdout.strip()


def reads_of(munshi: Munshi) -> list[tuple[str, str]]:
    """Service and purpose of every secret that was read, oldest first."""
    found = json.loads(munshi("audit", "recent", "--action", "secret_read", "--json").stdout)
    return [
        (entry["entity_id"], entry["details"]["purpose"]) for entry in reversed(found["entries"])
    ]


def test_a_script_finds_the_tokens_of_the_day(
    munshi: Munshi, brokers: Simulator, tmp_path: Path
) -> None:
    munshi("login", "kite", "--token", brokers.kite_request_token())
    api_session = brokers.breeze_api_session()
    munshi("login", "breeze", "--token", api_session)
    told = tmp_path / "told.json"

    result = munshi("run", "--", sys.executable, "-c", TELL, str(told))

    given = json.loads(told.read_text())
    token = munshi("token", "kite", "--yes").stdout.strip()
    assert (result.exit_code, result.stderr) == (7, SIMULATED)
    assert {name: value for name, value in given.items() if name.startswith("KITE_")} == {
        "KITE_API_KEY": KITE_USER.app_key,
        "KITE_API_SECRET": KITE_USER.app_secret,
        "KITE_USER_ID": KITE_USER.user_id,
        "KITE_ACCESS_TOKEN": token,
    }
    assert given.pop("BREEZE_SESSION_TOKEN")
    assert {name: value for name, value in given.items() if name.startswith("BREEZE_")} == {
        "BREEZE_API_KEY": BREEZE_USER.app_key,
        "BREEZE_API_SECRET": BREEZE_USER.app_secret,
        "BREEZE_USER_ID": BREEZE_USER.user_id,
        "BREEZE_API_SESSION": api_session,
    }
    assert given["MUNSHI_BROKERS"] == "simulated"
    assert given["MUNSHI_SIMULATOR_URL"] == brokers.url


def test_every_read_is_written_down_without_the_secret(munshi: Munshi, kite_token: str) -> None:
    munshi("run", "--", sys.executable, "-c", "")

    assert [purpose for _, purpose in reads_of(munshi)] == ["printed", "munshi run"]
    assert kite_token not in munshi("audit", "recent", "--json").stdout


@pytest.mark.usefixtures("brokers")
def test_nothing_is_started_where_nobody_is_logged_in(munshi: Munshi, tmp_path: Path) -> None:
    result = munshi("run", "--", sys.executable, "-c", TELL, str(tmp_path / "told.json"))

    assert result.exit_code == 1
    assert result.stderr == f"{SIMULATED}munshi: Nobody is logged in. munshi login kite\n"
    assert not (tmp_path / "told.json").exists()


@pytest.mark.usefixtures("kite_token")
def test_a_script_that_is_not_there_is_one_line(munshi: Munshi) -> None:
    result = munshi("run", "--", "no-such-script")

    assert result.exit_code == 1
    assert re.fullmatch(
        r"munshi: no-such-script cannot be started: .*\n", result.stderr.removeprefix(SIMULATED)
    )


@pytest.mark.usefixtures("kite_token")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 5), (signal.SIGKILL, 137)])
def test_signals_reach_the_script_and_its_end_is_ours(
    brokers: Simulator, sqlite_url: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    script = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "munshi", "run", "--", sys.executable, "-c", script],
        env={
            "MUNSHI_HOME": str(tmp_path),
            "MUNSHI_DATABASE_URL": sqlite_url,
            "MUNSHI_SIMULATOR_URL": brokers.url,
        },
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        script_pid = running.stdout.readline().strip()
        if number is signal.SIGTERM:
            running.terminate()
        else:
            subprocess.run(["kill", "-KILL", script_pid], check=True)
        running.communicate(timeout=30)

    assert running.returncode == code


def test_a_token_is_printed_after_a_yes(munshi: Munshi, kite_token: str) -> None:
    result = munshi("token", "kite", typed="y\n")

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, kite_token)
    assert result.stderr.startswith(SIMULATED)


def test_a_token_is_kept_after_a_no(munshi: Munshi, kite_token: str) -> None:
    before = reads_of(munshi)

    result = munshi("token", "kite", typed="n\n")

    assert result.exit_code == 1
    assert kite_token not in result.output
    assert reads_of(munshi) == before


@pytest.mark.usefixtures("brokers")
def test_there_is_no_token_to_print_before_a_login(munshi: Munshi) -> None:
    result = munshi("token", "breeze", "--yes")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "munshi: Nobody is logged in at breeze." in result.stderr
