"""Whatever is done to a sealed trail behind its back is found and named."""

import shutil
from pathlib import Path

import pytest

from audit.tampering import TAMPERINGS, says, tamper
from clocks import FakeClock
from databases import open_database
from munshi.audit.findings import Trouble
from munshi.audit.ledger_service import LedgerService
from munshi.domain.audit import Actor
from munshi.domain.ledger.checkpoints import Checkpoint, read_checkpoint
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

ROWS = 600
ASHA = Actor(user_id="asha", ip_address="192.0.2.7", request_id="r1")


def write_in(tx: Transaction, many: int, *, start: int = 0, clock: FakeClock) -> None:
    for number in range(start, start + many):
        tx.audit.log(
            "job",
            "created",
            entity_id=f"row {number}",
            new_value={"b": number, "a": ["é", None]} if number % 3 else None,
            details={"why": 'a "quoted" word'} if number % 2 else None,
            actor=ASHA,
            now=clock.now(),
        )
        clock.sleep(1.0)


@pytest.fixture
def service(database: Database, clock: FakeClock, tmp_path: Path) -> LedgerService:
    return LedgerService(database, clock, home=tmp_path)


@pytest.fixture
def sealed(service: LedgerService, database: Database, clock: FakeClock) -> Checkpoint:
    """Six hundred rows in three blocks."""
    with database.transaction() as tx:
        write_in(tx, ROWS, clock=clock)
    while service.state().sealed_rows < ROWS:
        service.seal()
    return service.checkpoint()


def test_an_untouched_trail_is_sound(service: LedgerService, sealed: Checkpoint) -> None:
    told: list[tuple[int, int]] = []

    report = service.verify(checkpoint=sealed, told=lambda done, total: told.append((done, total)))

    assert (report.is_sound, report.findings) == (True, [])
    assert (report.rows, report.blocks, report.unsealed) == (ROWS, 3, 0)
    assert (report.personal_values, report.checkpoint_block) == (ROWS, 3)
    assert told == [(256, ROWS), (512, ROWS), (ROWS, ROWS)]


def test_rows_that_wait_to_be_sealed_are_counted_and_no_trouble(
    service: LedgerService, sealed: Checkpoint, database: Database, clock: FakeClock
) -> None:
    since = clock.now()
    with database.transaction() as tx:
        write_in(tx, 5, start=ROWS, clock=clock)

    report = service.verify(checkpoint=sealed)

    assert report.findings == []
    assert (report.unsealed, report.oldest_unsealed) == (5, since)


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found_and_named(
    service: LedgerService, sealed: Checkpoint, database: Database, what: str
) -> None:
    done = TAMPERINGS[what]
    tamper(database, done.act)

    report = service.verify(checkpoint=sealed)

    assert not report.is_sound
    named = [(each.trouble, each.audit_id, each.block) for each in report.findings]
    assert any(
        trouble is done.trouble
        and (done.row is None or audit_id == done.row)
        and (done.block is None or block == done.block)
        for trouble, audit_id, block in named
    ), named


def test_other_orders_and_spaces_are_no_tampering(
    service: LedgerService, sealed: Checkpoint, database: Database
) -> None:
    tamper(database, says('{ "b": 1 , "a": [ "é", null ] }'))

    assert service.verify(checkpoint=sealed).findings == []


def test_a_database_file_rolled_back_to_yesterday_is_caught_by_the_exported_checkpoint(
    sqlite_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    file, copy = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "yesterday.db"
    grown(sqlite_url, clock, tmp_path)
    shutil.copy(file, copy)
    today = read_checkpoint(grown(sqlite_url, clock, tmp_path).text())
    shutil.copy(copy, file)

    database = open_database(sqlite_url)
    service = LedgerService(database, clock, home=tmp_path)
    alone, compared = service.verify(), service.verify(checkpoint=today)
    grown(sqlite_url, clock, tmp_path)
    anew = service.verify(checkpoint=today)
    database.close()

    assert alone.is_sound
    assert [each.trouble for each in compared.findings] == [Trouble.CHECKPOINT_WRONG]
    assert [each.trouble for each in anew.findings] == [Trouble.CHECKPOINT_WRONG]
    assert "written anew" in anew.findings[0].detail


def grown(url: str, clock: FakeClock, home: Path) -> Checkpoint:
    """Ten rows more, sealed, and the file closed."""
    database = open_database(url)
    with database.transaction() as tx:
        write_in(tx, 10, clock=clock)
    service = LedgerService(database, clock, home=home)
    service.seal()
    checkpoint = service.checkpoint()
    database.close()
    return checkpoint
