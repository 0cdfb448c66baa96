"""Strategies of the user's own: begun, run, and refused when they fail or peek."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.test_backtest_command import minutes
from command_line import Munshi

__all__ = ["minutes"]
RUN = ("NSE:NIFTY 50", "--from", "2024-06-10", "--to", "2024-06-11", "--json")
PEEKS = """
class Mine:
    def decide(self, closed):
        bars = closed._bars
        return 1 if bars[min(len(closed), len(bars) - 1)].close > closed[-1].close else -1
"""


def test_an_example_is_written_once_and_its_own_test_passes(munshi: Munshi, tmp_path: Path) -> None:
    written = json.loads(munshi("strategy", "new", "my_cross", "--json").stdout)

    test = Path(written["test"])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test.name],
        cwd=test.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout
    assert "is there already" in munshi("strategy", "new", "my_cross").stderr
    assert "is no name for a strategy" in munshi("strategy", "new", "../x").stderr
    assert test.parent == tmp_path / "strategies"


@pytest.mark.usefixtures("minutes")
def test_an_own_strategy_runs_and_one_that_fails_or_peeks_stores_nothing(
    munshi: Munshi, tmp_path: Path
) -> None:
    munshi("strategy", "new", "mine")
    done = json.loads(munshi("backtest", "run", "mine.py", *RUN, "-p", "rises=2").stdout)
    assert done["metrics"]["trades"] > 0
    assert "The strategy is the user's own: mine.py, SHA-256" in done["assumptions"][-1]
    assert json.loads(munshi("backtest", "audit", done["run_id"], "--json").stdout)["is_clean"]

    wrong = munshi("backtest", "run", "mine.py", *RUN, "-p", "speed=2")
    assert "mine.py has no parameter speed" in wrong.stdout
    file = tmp_path / "strategies" / "bad.py"
    for code, said in (
        (PEEKS, "bad.py looks into the future: with nothing after 2024-06-1"),
        ("import nowhere_to_be_found", "bad.py cannot be loaded: ModuleNotFoundError"),
        ("class A:\n  def decide(self, closed): return 1 / 0", "A failed at the bar of 2024-06-10"),
        ("x = 1", "bad.py must have one class with a method decide; it has none."),
    ):
        file.write_text(code)
        assert said in munshi("backtest", "run", "bad.py", *RUN).stdout
    (tmp_path / "outside.py").write_text(PEEKS)
    outside = munshi("backtest", "run", "../outside.py", *RUN)
    assert "There is no strategy file" in outside.stdout
    assert len(json.loads(munshi("backtest", "list", "--json").stdout)) == 1


@pytest.mark.usefixtures("minutes")
def test_a_sweep_of_one_that_peeks_stores_no_trial_and_says_how_it_would_go_on(
    munshi: Munshi, tmp_path: Path
) -> None:
    file = tmp_path / "strategies" / "peeks.py"
    file.parent.mkdir()
    head = "from dataclasses import dataclass\n\n@dataclass\nclass Mine:\n    step: int = 1\n"
    file.write_text(head + PEEKS.split("class Mine:\n")[1])

    done = munshi("backtest", "sweep", "peeks.py", *RUN, "-p", "step=1,2")

    assert done.exit_code == 1
    [sweep] = json.loads(munshi("backtest", "sweeps", "--json").stdout)
    assert "Trial 1 (step=1): peeks.py looks into the future" in done.stdout + done.stderr
    assert f"--resume {sweep['sweep_id']}" in done.stdout + done.stderr
    shown = json.loads(munshi("backtest", "sweeps", sweep["sweep_id"], "--json").stdout)
    assert shown["trials"] == []
