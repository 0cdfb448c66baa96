"""Archiving while others write, seal and verify."""

import threading
import time
from datetime import timedelta
from pathlib import Path

from audit.archive_ground import DESK, ArchiveGround
from clocks import FakeClock
from munshi.audit.archive_service import ArchiveService
from munshi.audit.ledger_service import LedgerService
from munshi.audit.sealer import Sealer
from munshi.clock import SystemClock
from munshi.domain.audit import Actor
from munshi.domain.ledger.archives import Archive
from munshi.infrastructure.database.engine import Database

ROUNDS = 4
WRITERS = 3
SETTLED = timedelta(seconds=0.3)


def test_archiving_while_writers_write_and_a_sealer_seals_loses_nothing(
    database: Database, tmp_path: Path
) -> None:
    clock = SystemClock()
    archives = ArchiveService(database, clock, home=tmp_path)
    ledger = LedgerService(database, clock, home=tmp_path)
    written, stop = [0] * WRITERS, threading.Event()

    def write(mine: int) -> None:
        actor = Actor(user_id=f"writer {mine}", ip_address="192.0.2.1")
        while not stop.is_set():
            with database.transaction() as tx:
                tx.audit.log("job", "created", actor=actor, now=clock.now())
            written[mine] += 1
            time.sleep(0.005)

    def archive_some() -> list[Archive]:
        """Another test's transaction on the server may hold the sealing back for a while."""
        while not (found := archives.archive(before=clock.now() - SETTLED, actor=DESK)):
            time.sleep(0.1)
        return found

    sealer = Sealer(database, clock)
    sealer.start()
    threads = [threading.Thread(target=write, args=(each,)) for each in range(WRITERS)]
    for thread in threads:
        thread.start()
    made: list[Archive] = []
    try:
        for _ in range(ROUNDS):
            time.sleep(0.7)
            made += archive_some()
            assert ledger.verify().findings == []
            archives.restore([made[-1].name], actor=DESK)
            assert ledger.verify().findings == []
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sealer.stop()
    while ledger.state().unsealed_rows:
        ledger.seal()

    report = ledger.verify()
    assert report.findings == []
    assert made
    assert report.personal_values == sum(written)
    assert report.rows == sum(written) + len(made) + ROUNDS


def test_verifying_while_archives_are_made_and_taken_back_finds_no_trouble(
    database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    ground = ArchiveGround(database, clock, tmp_path)
    ground.sealed(200, 200, 200)
    until, stop = clock.now(), threading.Event()

    def move() -> None:
        while not stop.is_set():
            (made,) = ground.archives.archive(before=until, actor=DESK)
            ground.archives.restore([made.name], actor=DESK)

    mover = threading.Thread(target=move)
    mover.start()
    found = [LedgerService(database, clock, home=tmp_path).verify().findings for _ in range(12)]
    stop.set()
    mover.join()

    assert found == [[]] * 12
