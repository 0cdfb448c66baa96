"""Strategies of the user's own that cheat, draw or make a mess: refused, or without effect."""

from pathlib import Path

import pytest

from desks import TESTER, Desk
from made_research import NIFTY, hold, run_backtests
from munshi.domain.jobs import BACKTEST, BACKTEST_AUDIT, Job, JobState

TOLD = {"strategy": "mine.py", "instrument": NIFTY, "from": "2026-11-17", "to": "2026-11-18"}
CHANGES = """
class Mine:
    def decide(self, closed):
        object.__setattr__(closed[-1], "close", closed[-1].close + 1)
"""
REMEMBERS = """
class Mine:
    seen = []
    def decide(self, closed):
        number = len(closed)
        if number > len(Mine.seen):
            Mine.seen.append(closed[-1].close)
            return None
        return 1 if Mine.seen[min(number, len(Mine.seen) - 1)] > closed[-1].close else -1
"""
DRAWS = """
import random
class Mine:
    def decide(self, closed): return random.choice((1, -1))
"""
FROM_THE_ENGINE = """
import sys
class Mine:
    def decide(self, closed):
        frame, ahead = sys._getframe(), None
        while frame and ahead is None:
            bars = getattr(frame.f_locals.get("request"), "bars", frame.f_locals.get("bars"))
            ahead = bars if hasattr(bars, "__len__") and len(bars) > len(closed) else None
            frame = frame.f_back
        return None if ahead is None else 1 if ahead[len(closed)].close > closed[-1].close else -1
"""
HOLDS_ON = """
class Mine:
    first = None
    def decide(self, closed):
        self.first = self.first or closed
        try:
            closed[len(closed)]
        except IndexError:
            pass
        assert self.first[-1] is closed[-1] is closed[: 10**9][-1] is closed[-(10**9) :][-1]
        assert len(closed[: len(closed) + 50]) == len(closed) == len(list(closed))
        return 1 if len(closed) % 40 < 20 else -1
"""
NOISY = """
class Mine:
    def decide(self, closed):
        print("hello")
        return 1 if len(closed) % 40 < 20 else -1
"""

ENDS = """
class Mine:
    def decide(self, closed): raise SystemExit
"""
REFUSED = (
    (ENDS, "Mine failed at the bar of 2026-11-17 09:15: SystemExit"),
    ("raise SystemExit(3)", "mine.py cannot be loaded: SystemExit: 3"),
    (CHANGES, "mine.py changed the bars that it was shown"),
    (REMEMBERS, "mine.py is another when it is run again on the same bars: another decision at"),
    (DRAWS, "mine.py is another when it is run again on the same bars: another decision at"),
    (FROM_THE_ENGINE, "mine.py looks into the future: with nothing after 2026-11-17"),
)


@pytest.fixture
def folder(desk: Desk) -> Path:
    """Two days of minutes, and where strategies of the user's own lie."""
    for day in (17, 18):
        hold(desk, f"2026-11-{day} 09:15", count=375)
    made = desk.services.settings.home / "strategies"
    made.mkdir()
    return made


def run(desk: Desk, folder: Path, code: str) -> Job:
    (folder / "mine.py").write_text(code)
    job = desk.services.jobs.enqueue(BACKTEST, TOLD, actor=TESTER)
    run_backtests(desk)
    return desk.services.jobs.get(job.job_id)


def test_what_cheats_or_cannot_be_repeated_is_refused_and_stores_nothing(
    desk: Desk, folder: Path
) -> None:
    for code, said in REFUSED:
        done = run(desk, folder, code)
        assert (done.state, said in str(done.error_details)) == (JobState.FAILED, True), done
        assert desk.services.jobs.artifacts(done.job_id) == []
    assert desk.services.backtests.list_runs() == []


@pytest.mark.parametrize("code", [HOLDS_ON, NOISY])
def test_what_is_held_on_to_or_printed_does_no_harm(desk: Desk, folder: Path, code: str) -> None:
    done = run(desk, folder, code)

    assert done.state is JobState.SUCCEEDED, done.error_details
    [stored] = desk.services.backtests.list_runs()
    assert (stored.metrics["trades"] or 0) > 10


def test_an_audit_of_a_run_whose_file_was_changed_says_so_and_is_not_kept(
    desk: Desk, folder: Path
) -> None:
    run(desk, folder, NOISY)
    [stored] = desk.services.backtests.list_runs()
    (folder / "mine.py").write_text(NOISY.replace("40", "50"))

    told = {"run_id": str(stored.run_id)}
    job = desk.services.jobs.enqueue(BACKTEST_AUDIT, told, actor=TESTER)
    run_backtests(desk)

    done = desk.services.jobs.get(job.job_id)
    assert done.state is JobState.FAILED
    assert "its strategy's file or Munshi are no longer what they were" in str(done.error_details)
    assert desk.services.backtest_audits.list_of(stored.run_id) == []
