"""The disk under the database is full when a run would be stored: nothing of it is, and later all.

SQLite on a disk of a few megabytes; the strategy fills what is left in the middle of its run.
"""

import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from structlog.testing import capture_logs

from desks import TESTER, Desk, open_desk
from made_research import NIFTY, hold, run_backtests
from munshi.domain.backtest.pitfalls import check_pitfalls
from munshi.domain.jobs import BACKTEST, JobState
from munshi.settings import load_settings
from simulators import Simulator
from small_disks import small_disk_at

SECONDS = 60.0
TOLD = {"strategy": "fills.py", "instrument": NIFTY, "from": "2026-11-17", "to": "2026-11-18"}
FILLS = """
import os
from pathlib import Path

DISK = Path(__file__).parent.parent / "small"

class Fills:
    def decide(self, closed):
        if len(closed) == 300 and (DISK.parent / "fill").exists():
            try:
                with (DISK / "filler").open("wb", buffering=0) as file:
                    while file.write(os.urandom(4096)):
                        pass
            except OSError:
                pass
        return 1 if len(closed) % 10 < 5 else -1
"""


@pytest.fixture
def desk(
    migrated_file: Path, tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    with small_disk_at(tmp_path / "small", size=12 * 1024 * 1024) as small:
        shutil.copy(migrated_file, small / "munshi.db")
        for name, value in {
            "HOME": tmp_path,
            "DATABASE_URL": f"sqlite:///{small}/munshi.db",
            "ENV_FILE": tmp_path / ".env",
        }.items():
            monkeypatch.setenv(f"MUNSHI_{name}", str(value))
        with open_desk(load_settings(_env_file=None), simulator) as opened:
            (tmp_path / "strategies").mkdir()
            (tmp_path / "strategies" / "fills.py").write_text(FILLS)
            for day in (17, 18):
                hold(opened, f"2026-11-{day} 09:15", count=375)
            yield opened


def test_what_the_database_has_no_room_for_is_not_half_there_and_goes_through_later(
    desk: Desk, tmp_path: Path
) -> None:
    services, filler = desk.services, tmp_path / "small" / "filler"
    job = services.jobs.enqueue(BACKTEST, TOLD, actor=TESTER)
    (tmp_path / "fill").touch()
    worker = Thread(target=run_backtests, args=(desk,))
    with capture_logs() as events:
        worker.start()
        deadline = time.monotonic() + SECONDS
        while not any(each["event"] == "job_failed" for each in events):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kept = (services.backtests.list_runs(), services.jobs.artifacts(job.job_id))
        (tmp_path / "fill").unlink()
        filler.unlink()
        worker.join(SECONDS)
    failed = services.jobs.get(job.job_id)
    desk.clock.advance(timedelta(minutes=20))
    run_backtests(desk)
    done = services.jobs.get(job.job_id)

    assert kept == ([], [])
    assert failed.state is JobState.SCHEDULED
    assert "munshi.db has no room left: database or disk is full." in str(failed.error_details)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    [run] = services.backtests.list_runs()
    trades = services.backtests.trades(run.run_id)
    assert check_pitfalls(run, trades)[-1].is_absent
    assert sum(trade.net for trade in trades) == run.net
    assert len(services.jobs.artifacts(job.job_id)) == 2
