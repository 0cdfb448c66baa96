"""Rows become blocks: each once, all in the end, whoever seals and however slow a writer is."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from clocks import FakeClock
from munshi.audit.sealer import Sealer
from munshi.clock import SystemClock
from munshi.domain.audit import Actor
from munshi.domain.ledger.blocks import MOST_ROWS, NOTHING_BEFORE, unpack_ids
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import audit_blocks
from munshi.infrastructure.database.sealing_board import SealingBoard
from munshi.infrastructure.database.transaction import Transaction

ASHA = Actor(user_id="asha", ip_address="192.0.2.7")


def write(database: Database, many: int = 1, *, name: str = "row") -> None:
    with database.transaction() as tx:
        write_in(tx, many, name=name)


def write_in(tx: Transaction, many: int = 1, *, name: str = "row") -> list[int]:
    now = SystemClock().now()
    return [
        tx.audit.log("job", "created", entity_id=f"{name} {n}", actor=ASHA, now=now)
        for n in range(many)
    ]


def blocks(database: Database) -> list[tuple[int, int, tuple[int, ...]]]:
    """Number, first position and ids of each block."""
    with database.connected() as connection:
        rows = connection.execute(audit_blocks.select().order_by(audit_blocks.c.number)).all()
    return [(row.number, row.first_position, unpack_ids(row.ids)) for row in rows]


def waiting(database: Database) -> int:
    with database.reading() as tx:
        found = tx.ledger.list_waiting(tx.ledger.get_head()[1], blocks=1)
    return sum(len(each.ids) for each in found)


def sealed_ids(database: Database) -> list[int]:
    return [each for _, _, ids in blocks(database) for each in ids]


def test_what_waits_is_sealed_in_blocks_that_follow_each_other(
    database: Database, clock: FakeClock
) -> None:
    write(database, MOST_ROWS + 10)

    seal_until(Sealer(database, clock), database, MOST_ROWS + 10)

    first, second = blocks(database)
    assert (first[:2], len(first[2])) == ((1, 0), MOST_ROWS)
    assert (second[:2], len(second[2])) == ((2, MOST_ROWS), 10)
    with database.connected() as connection:
        one, two = connection.execute(audit_blocks.select().order_by(audit_blocks.c.number)).all()
    assert one.previous_hash == NOTHING_BEFORE
    assert two.previous_hash == one.block_hash


def test_nothing_waiting_makes_no_block(database: Database, clock: FakeClock) -> None:
    sealer = Sealer(database, clock)
    write(database)
    seal_until(sealer, database, 1)

    assert sealer.seal_all() == 0
    assert len(blocks(database)) == 1


def test_two_sealers_that_meet_make_no_fork_and_seal_nothing_twice(
    database: Database, clock: FakeClock
) -> None:
    one, other = Sealer(database, clock), Sealer(database, clock)
    for turn in range(5):
        write(database, 3)
        seal_until(one, database, 5 * turn + 3)
        write(database, 2)
        seal_until(other, database, 5 * turn + 5)

    ids = sealed_ids(database)
    assert [number for number, _, _ in blocks(database)] == list(range(1, 11))
    assert len(ids) == len(set(ids)) == 25


def test_a_slow_transaction_is_waited_for_and_not_forgotten(
    postgresql_database: Database, clock: FakeClock
) -> None:
    sealer = Sealer(postgresql_database, clock)
    slow = postgresql_database.engine.connect()
    begun = slow.begin()
    [early] = write_in(Transaction(slow, None), name="slow")
    write(postgresql_database, 3, name="quick")

    while_it_runs = sealer.seal_all()
    begun.commit()
    slow.close()

    seal_until(sealer, postgresql_database, 4)
    assert while_it_runs == 0
    assert early in sealed_ids(postgresql_database)


def test_a_transaction_that_began_early_and_wrote_late_is_sealed_too(
    postgresql_database: Database, clock: FakeClock
) -> None:
    sealer = Sealer(postgresql_database, clock)
    slow = postgresql_database.engine.connect()
    begun = slow.begin()
    slow.execute(text("SELECT pg_current_xact_id()"))
    write(postgresql_database, 2)
    sealer.seal_all()
    write_in(Transaction(slow, None), name="late")
    begun.commit()
    slow.close()

    seal_until(sealer, postgresql_database, 3)

    assert len(set(sealed_ids(postgresql_database))) == 3


def test_rows_are_sealed_by_the_number_of_their_transaction_and_not_by_its_text(
    postgresql_database: Database, clock: FakeClock
) -> None:
    write(postgresql_database, 4)
    with postgresql_database.transaction() as tx:
        tx.connection.execute(text('ALTER TABLE "AuditLogs" DISABLE TRIGGER USER'))
        tx.connection.execute(text('UPDATE "AuditLogs" SET transaction_id = (8 + id)::text::xid8'))
        tx.connection.execute(text('ALTER TABLE "AuditLogs" ENABLE TRIGGER USER'))
    sealer = Sealer(postgresql_database, clock)

    sealer.seal_all()

    assert sealed_ids(postgresql_database) == [1, 2, 3, 4]


def test_rows_brought_from_another_server_are_sealed_before_its_own_count_goes_on(
    postgresql_database: Database, clock: FakeClock
) -> None:
    write(postgresql_database, 3)
    seal_until(Sealer(postgresql_database, clock), postgresql_database, 3)
    write(postgresql_database, 2, name="never sealed there")
    with postgresql_database.transaction() as tx:
        # As after a restore: the other server had counted much further.
        tx.connection.execute(text("UPDATE \"AuditSealer\" SET server = 'another'"))
        tx.connection.execute(text('ALTER TABLE "AuditLogs" DISABLE TRIGGER USER'))
        tx.connection.execute(
            text("UPDATE \"AuditLogs\" SET transaction_id = '900000000000'::xid8 WHERE id > 3")
        )
        tx.connection.execute(text('ALTER TABLE "AuditLogs" ENABLE TRIGGER USER'))

    here = Sealer(postgresql_database, clock)
    here.seal_all()
    write(postgresql_database, 4, name="here")
    seal_until(here, postgresql_database, 9)

    ids = sealed_ids(postgresql_database)
    assert len(ids) == len(set(ids)) == 9


def test_the_cheap_question_tells_whether_rows_wait(database: Database, clock: FakeClock) -> None:
    board, sealer = SealingBoard(database), Sealer(database, clock)
    write(database, MOST_ROWS)
    seal_until(sealer, database, MOST_ROWS)

    assert not board.has_waiting()
    write(database)
    wait_for(board.has_waiting)
    seal_until(sealer, database, MOST_ROWS + 1)
    assert not board.has_waiting()


@pytest.mark.parametrize("many", [1, 700])
def test_a_sealer_in_its_thread_leaves_nothing_unsealed_for_long(
    database: Database, many: int
) -> None:
    sealer = Sealer(database, SystemClock())
    sealer.start()
    write(database, many)

    wait_for(lambda: len(sealed_ids(database)) == many)
    sealer.stop()

    assert len(sealed_ids(database)) == many


def test_only_the_holder_of_the_lease_seals_until_it_runs_out(
    database: Database, clock: FakeClock
) -> None:
    one, other = Sealer(database, clock), Sealer(database, clock)
    write(database)
    wait_for(lambda: one.seal_some() == 1)
    write(database)
    wait_for(lambda: waiting(database) == 1)

    refused = other.seal_some()
    clock.sleep(1.0)

    assert refused == 0
    wait_for(lambda: other.seal_some() == 1)


def seal_until(sealer: Sealer, database: Database, many: int) -> None:
    """Other databases of the same server hold the horizon back for moments."""

    def all_sealed() -> bool:
        sealer.seal_all()
        return len(sealed_ids(database)) == many

    wait_for(all_sealed)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
