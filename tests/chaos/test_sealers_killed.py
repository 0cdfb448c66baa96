"""Sealers killed with SIGKILL, and writers too, while eight processes change things."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from chaos.campaign import IS_LONG, SEED, Telling
from chaos.ledger_writers import SEALER, WRITER, Nursery
from databases import migrate_template, open_database
from munshi.audit.ledger_service import LedgerService
from munshi.clock import SystemClock
from munshi.domain.ledger.blocks import NOTHING_BEFORE, unpack_ids
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import audit_blocks
from postgres_cluster import SERVER_OPTIONS, find_programs, running_cluster

WRITERS, SEALERS = 8, 3
TROUBLE = 60.0 if IS_LONG else 3.0
KILL_EVERY = (0.05, 0.4)
# A row waits at most so long for its block once everything is quiet.
QUIET_SECONDS = 1.0
_NAMES = text("SELECT id, entity_id FROM \"AuditLogs\" WHERE entity_type = 'chaos'")


@pytest.fixture(params=["sqlite", "postgresql"])
def lone_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that is alone on its server.

    The oldest transaction that PostgreSQL's snapshots tell of is the oldest of all its databases.
    """
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    with running_cluster(find_programs(), options=SERVER_OPTIONS) as cluster:
        url = cluster.url("munshi_alone")
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE munshi_alone TEMPLATE template0")
        migrate_template(url)
        yield url


@pytest.mark.timeout(300)
def test_sealers_killed_in_a_loop_leave_no_row_unsealed_and_no_fork(
    lone_url: str, tmp_path: Path, telling: Telling
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - chaos that can be repeated
    database = open_database(lone_url)

    with Nursery(lone_url, tmp_path) as nursery:
        for number in range(WRITERS):
            nursery.add(WRITER, seed=number)
        for _ in range(SEALERS):
            nursery.add(SEALER)
        until = time.monotonic() + TROUBLE
        while time.monotonic() < until:
            kind = SEALER if chance.random() < 0.8 else WRITER
            nursery.kill_one(kind, chance, seed=chance.randrange(1_000_000))
            time.sleep(chance.uniform(*KILL_EVERY))
        nursery.stop_writing()
        quiet_since = time.monotonic()
        waited = seconds_until_sealed(database, since=quiet_since)
    committed = nursery.committed()
    report = LedgerService(database, SystemClock(), home=tmp_path).verify()
    ids = chained_ids(database)
    rows = named_rows(database)
    database.close()

    telling.say(
        f"{telling.name}: seed {SEED}; {nursery.kills} kills; {len(rows)} rows, "
        f"{report.blocks} blocks; the last row sealed {waited:.2f} s after the last writer"
    )
    assert waited <= QUIET_SECONDS
    assert len(ids) == len(set(ids))
    assert set(ids) == set(rows)
    assert committed <= set(rows.values())
    assert len(rows) == len(set(rows.values()))
    assert (report.findings, report.unsealed, report.rows) == ([], 0, len(rows))
    assert nursery.kills > TROUBLE
    assert len(rows) > 100


def seconds_until_sealed(database: Database, *, since: float) -> float:
    """How long after `since` nothing waits any more."""
    deadline = since + 30
    while True:
        with database.reading() as tx:
            waiting = tx.ledger_reader.unsealed()[0]
        if not waiting:
            return time.monotonic() - since
        assert time.monotonic() < deadline, f"{waiting} rows are never sealed"
        time.sleep(0.01)


def chained_ids(database: Database) -> list[int]:
    """The rows of all blocks, each of which must follow the one before."""
    with database.connected() as connection:
        blocks = connection.execute(audit_blocks.select().order_by(audit_blocks.c.number)).all()
    before, position = NOTHING_BEFORE, 0
    for number, block in enumerate(blocks, start=1):
        assert (block.number, block.first_position) == (number, position)
        assert block.previous_hash == before
        before, position = block.block_hash, position + block.row_count
    return [each for block in blocks for each in unpack_ids(block.ids)]


def named_rows(database: Database) -> dict[int, str]:
    with database.connected() as connection:
        return {row.id: row.entity_id for row in connection.execute(_NAMES)}
