"""Slots on SQLite, by driver SQL on a held connection: one writer at a time."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.held_connection import HeldConnection
from munshi.infrastructure.database.rate_slots import (
    Held,
    Moment,
    Need,
    Permits,
    Refused,
    Settled,
    draw_lease,
    until_free,
)
from munshi.infrastructure.database.types import to_text

_POOL = 'SELECT closed_until, version FROM "ApiRatePools" WHERE pool_id = ?'
_TAKE = """UPDATE "ApiRateSlots" SET free_at = ?1, lease = ?6 WHERE pool_id = ?2 AND slot IN (
  SELECT slot FROM "ApiRateSlots" WHERE pool_id = ?2 AND slot > ?3 AND free_at <= ?4
  ORDER BY free_at LIMIT ?5)
RETURNING slot"""
# The same where nothing else binds the call: whether it may be is asked in passing.
_TAKE_ALONE = _TAKE.replace(
    "RETURNING",
    """AND EXISTS (SELECT 1 FROM "ApiRatePools"
  WHERE pool_id = ?2 AND version = ?7 AND closed_until <= ?4)
RETURNING""",
)
_FREE = """SELECT count(*) FROM (SELECT 1 FROM "ApiRateSlots"
WHERE pool_id = ? AND slot > ? AND free_at <= ? LIMIT ?)"""
_NEXT_FREE = 'SELECT min(free_at) FROM "ApiRateSlots" WHERE pool_id = ? AND slot > ?'
_SETTLE = 'UPDATE "ApiRateSlots" SET free_at = ? WHERE pool_id = ? AND slot = ? AND lease = ?'
_COUNTED = 'SELECT request_count FROM "ApiRateLimits" WHERE id = ?'
_COUNT = 'UPDATE "ApiRateLimits" SET request_count = request_count + ? WHERE id = ?'


class SqliteSlots:
    """`durable` has every claim on disk before it counts.

    Without it a power cut may take back the last claims, so it is for windows that are over
    before a machine has started again.
    """

    def __init__(self, database: Database, *, durable: bool) -> None:
        self._database = database
        self._durable = durable
        self._held = HeldConnection(database, self._open)

    def claim(
        self, needs: Sequence[Need], *, most: int, settled: Sequence[Settled], moment: Moment
    ) -> Permits | Refused:
        now = moment.now
        with self._held.used() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if settled:
                connection.executemany(_SETTLE, _rows(settled, moment))
            if len(needs) == 1 and needs[0].day_row is None:
                alone = _take_alone(connection, needs[0], most, now)
                if alone:
                    connection.execute("COMMIT")
                    return alone
            room = _room(connection, needs, most, now)
            if isinstance(room, Refused):
                connection.execute("COMMIT" if settled else "ROLLBACK")
                return room
            taken = [_take(connection, need, room, now) for need in needs]
            connection.execute("COMMIT")
        return list(zip(*taken, strict=True))

    def settle(self, settled: Sequence[Settled], moment: Moment) -> None:
        with self._held.used() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_SETTLE, _rows(settled, moment))
            connection.execute("COMMIT")

    def close(self) -> None:
        self._held.close()

    def _open(self) -> sqlite3.Connection:
        connection = self._database.driver_connection()
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"{self._database.dialect} is not SQLite")
        if not self._durable:
            connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def _room(
    connection: sqlite3.Connection, needs: Sequence[Need], most: int, now: datetime
) -> int | Refused:
    """How many permits there can be."""
    at, room = to_text(now), most
    for need in needs:
        pool = connection.execute(_POOL, (need.pool_id,)).fetchone()
        if pool is None or pool[1] != need.version:
            return Refused(need.pool_id, "changed", 0.0)
        if pool[0] > at:
            return Refused(need.pool_id, "closed", _seconds(pool[0], now))
        if need.day_row is not None:
            counted = connection.execute(_COUNTED, (need.day_row,)).fetchone()[0]
            room = min(room, need.day_limit - counted)
            if room <= 0:
                return Refused(need.pool_id, "day", 0.0)
        free = connection.execute(_FREE, (need.pool_id, need.above, at, room)).fetchone()[0]
        if not free:
            values = (need.pool_id, need.above)
            next_free = connection.execute(_NEXT_FREE, values).fetchone()[0]
            return until_free(need, _seconds(next_free, now) if next_free else None)
        room = min(room, free)
    return room


def _take(connection: sqlite3.Connection, need: Need, room: int, now: datetime) -> list[Held]:
    until, lease = now + timedelta(seconds=need.taken_for), draw_lease()
    if need.day_row is not None:
        connection.execute(_COUNT, (room, need.day_row))
    values = (to_text(until), need.pool_id, need.above, to_text(now), room, lease)
    return [
        Held(need.pool_id, slot, lease) for (slot,) in connection.execute(_TAKE, values).fetchall()
    ]


def _take_alone(connection: sqlite3.Connection, need: Need, most: int, now: datetime) -> Permits:
    until, lease = to_text(now + timedelta(seconds=need.taken_for)), draw_lease()
    values = (until, need.pool_id, need.above, to_text(now), most, lease, need.version)
    rows = connection.execute(_TAKE_ALONE, values).fetchall()
    return [(Held(need.pool_id, slot, lease),) for (slot,) in rows]


def _rows(settled: Sequence[Settled], moment: Moment) -> list[tuple[str, int, int, int]]:
    return [
        (to_text(moment.instant(one.free_at)), one.held.pool_id, one.held.slot, one.held.lease)
        for one in settled
    ]


def _seconds(text: str, now: datetime) -> float:
    return (datetime.fromisoformat(text) - now).total_seconds()
