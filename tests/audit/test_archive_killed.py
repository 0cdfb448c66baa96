"""A run that is killed at any step loses nothing, leaves nothing half, and the next one goes on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit.archive_ground import DESK, ArchiveGround
from clocks import FakeClock
from munshi.audit.archive_turn import LEASE
from munshi.domain.ledger.archives import ArchiveState
from munshi.infrastructure.database.engine import Database

TESTS = Path(__file__).parents[1]
KILLED = -signal.SIGKILL
MOST_STEPS = 60
pytestmark = pytest.mark.skipif(os.name != "posix", reason="nothing forks there")

Kill = Callable[..., int]


@pytest.fixture
def ground(database: Database, clock: FakeClock, tmp_path: Path) -> ArchiveGround:
    return ArchiveGround(database, clock, tmp_path)


@pytest.fixture
def run_until(ground: ArchiveGround) -> Iterator[Kill]:
    """Does an act in another process that is killed at a step; its exit code."""
    with subprocess.Popen(
        [sys.executable, str(TESTS / "audit" / "archive_victim.py")],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:

        def run(step: int, act: str, **more: object) -> int:
            assert victim.stdin
            assert victim.stdout
            told = {
                "url": ground.database.url.render_as_string(hide_password=False),
                "home": str(ground.home),
                "now": ground.clock.now().isoformat(),
                "step": step,
                "act": act,
                **more,
            }
            victim.stdin.write(json.dumps(told) + "\n")
            victim.stdin.flush()
            return int(victim.stdout.readline())

        yield run
        assert victim.stdin
        victim.stdin.close()


def steps(ground: ArchiveGround) -> range:
    """Every step on SQLite; every second one where each takes a server's time."""
    return range(1, MOST_STEPS, 1 if ground.database.dialect == "sqlite" else 2)


def after_the_lease(ground: ArchiveGround) -> None:
    ground.clock.sleep(LEASE.total_seconds() + 1)


def assert_whole(ground: ArchiveGround, step: int) -> None:
    """Every row is in the table or in a file that counts, and verifying finds nothing."""
    ground.seal()
    report = ground.ledger.verify()
    assert report.findings == [], step
    assert report.rows >= ground.written, step


def test_archiving_killed_at_any_step_goes_on(ground: ArchiveGround, run_until: Kill) -> None:
    ground.sealed(5, 4, 6)
    before, rows = ground.clock.now(), ground.rows()

    for step in steps(ground):
        code = run_until(step, "archive", before=before.isoformat())
        assert_whole(ground, step)
        after_the_lease(ground)
        if code == 0:
            break
        assert code == KILLED
        ground.archives.archive(before=before, actor=DESK)
        assert_whole(ground, step)
        assert ground.count("AuditLogs", "id <= 15") == 0, step
        (name,) = ground.files()
        assert ground.state(name) == ArchiveState.ARCHIVED
        ground.archives.restore([name], actor=DESK)
        assert ground.rows(15) == rows, step

    assert code == 0
    assert step > 10


def test_restoring_killed_at_any_step_goes_on(ground: ArchiveGround, run_until: Kill) -> None:
    ground.sealed(5, 4, 6)
    before, rows = ground.clock.now(), ground.rows()

    for step in steps(ground):
        (made,) = ground.archives.archive(before=before, actor=DESK)
        code = run_until(step, "restore", names=[made.name])
        assert_whole(ground, step)
        after_the_lease(ground)
        if code == 0:
            break
        assert code == KILLED
        if ground.state(made.name) is not None:
            ground.archives.restore([made.name], actor=DESK)
        assert_whole(ground, step)
        assert (ground.rows(15), ground.files()) == (rows, []), step

    assert code == 0
    assert step > 8


def test_archiving_ends_a_restore_that_was_killed(ground: ArchiveGround, run_until: Kill) -> None:
    ground.sealed(5, 4, 6)
    before = ground.clock.now()
    (made,) = ground.archives.archive(before=before, actor=DESK)
    assert run_until(7, "restore", names=[made.name]) == KILLED
    assert ground.state(made.name) == ArchiveState.RESTORING
    after_the_lease(ground)

    again = ground.archives.archive(before=before, actor=DESK)

    assert [each.name for each in again] == [made.name]
    assert ground.files() == [made.name]
    assert_whole(ground, 0)


def test_dropping_killed_at_any_step_goes_on(ground: ArchiveGround, run_until: Kill) -> None:
    days = 400
    for step in steps(ground):
        ground.sealed(3)
        now: datetime = ground.clock.now()
        ground.archives.archive(before=now, actor=DESK)
        ground.clock.sleep(timedelta(days=days + 1).total_seconds())
        code = run_until(step, "drop", days=days)
        assert_whole(ground, step)
        after_the_lease(ground)
        if code == 0:
            break
        assert code == KILLED
        ground.archives.drop(keep=timedelta(days=days), actor=DESK)
        assert_whole(ground, step)
        assert ground.files() == [], step

    assert code == 0
    assert step > 3
