"""Slots on PostgreSQL, by driver SQL on a held connection: one statement takes or refuses."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.rate_slots import (
    Held,
    Need,
    Permits,
    Refused,
    Settled,
    until_free,
    until_open,
)

ANSWER_SECONDS = 10.0
_SETTINGS = {"timezone": "'UTC'", "plan_cache_mode": "force_generic_plan"}

# What is settled here is still taken, and what is claimed here is free: never the same row.
_SETTLE = """UPDATE "ApiRateSlots" AS slot SET free_at = one.free_at
FROM unnest(%(s_pool)s::bigint[], %(s_slot)s::bigint[], %(s_until)s::timestamptz[],
  %(s_free)s::timestamptz[]) AS one (pool_id, slot, until, free_at)
WHERE slot.pool_id = one.pool_id AND slot.slot = one.slot AND slot.free_at = one.until
AND slot.free_at > %(now)s"""
_FREE = """free{n} AS MATERIALIZED (
  SELECT slot FROM "ApiRateSlots" WHERE pool_id = %(pool{n})s AND slot > %(above{n})s
  AND free_at <= %(now)s AND EXISTS (SELECT 1 FROM "ApiRatePools" WHERE pool_id = %(pool{n})s
    AND version = %(version{n})s AND closed_until <= %(now)s)
  ORDER BY free_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)"""
# Locked, so that two claims cannot both see the last call of the day.
_DAY = """day{n} AS MATERIALIZED (
  SELECT request_count FROM "ApiRateLimits" WHERE id = %(day{n})s
  AND EXISTS (SELECT 1 FROM free{n}) FOR UPDATE)"""
_TAKE = """take{n} AS (
  UPDATE "ApiRateSlots" AS slot SET free_at = %(until{n})s
  FROM (SELECT slot FROM free{n} LIMIT (SELECT permits FROM room)) AS one
  WHERE slot.pool_id = %(pool{n})s AND slot.slot = one.slot RETURNING slot.slot)"""
_COUNT = """count{n} AS (
  UPDATE "ApiRateLimits" SET request_count = request_count + room.permits FROM room
  WHERE id = %(day{n})s AND room.permits > 0)"""
_POOL = 'SELECT closed_until, version FROM "ApiRatePools" WHERE pool_id = %s'
_NEXT_FREE = 'SELECT min(free_at) FROM "ApiRateSlots" WHERE pool_id = %s AND slot > %s'
_COUNTED = 'SELECT request_count FROM "ApiRateLimits" WHERE id = %s'


@lru_cache
def claim_statement(days: tuple[bool, ...]) -> str:
    """For as many needs; `days` says which of them count a day."""
    numbers = range(len(days))
    counting = [n for n in numbers if days[n]]
    rooms = [f"(SELECT count(*) FROM free{n})" for n in numbers]
    rooms += [f"(SELECT %(limit{n})s - request_count FROM day{n})" for n in counting]
    parts = [
        f"settled AS ({_SETTLE})",
        *(_FREE.format(n=n) for n in numbers),
        *(_DAY.format(n=n) for n in counting),
        f"room AS MATERIALIZED (SELECT greatest(0, least({', '.join(rooms)})) AS permits)",
        *(_TAKE.format(n=n) for n in numbers),
        *(_COUNT.format(n=n) for n in counting),
    ]
    taken = " UNION ALL ".join(f"SELECT {n}, slot FROM take{n}" for n in numbers)
    return f"WITH {', '.join(parts)} {taken}"


class PostgresqlSlots:
    """Each statement is a transaction of its own, and durable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Any = None
        self._lock = threading.Lock()

    def claim(
        self, needs: Sequence[Need], *, most: int, settled: Sequence[Settled], now: datetime
    ) -> Permits | Refused:
        values = {"now": now, "most": most, **_settled(settled)}
        for n, need in enumerate(needs):
            values[f"pool{n}"], values[f"version{n}"] = need.pool_id, need.version
            values[f"above{n}"], values[f"until{n}"] = need.above, now + need.taken_for
            values[f"day{n}"], values[f"limit{n}"] = need.day_row, need.day_limit
        statement = claim_statement(tuple(need.day_row is not None for need in needs))
        with self._connection() as connection:
            rows = connection.execute(statement, values, prepare=True).fetchall()
            if not rows:
                return self._reason(connection, needs, now)
        taken = [
            [Held(need.pool_id, slot, now + need.taken_for) for at, slot in rows if at == n]
            for n, need in enumerate(needs)
        ]
        return list(zip(*taken, strict=True))

    def settle(self, settled: Sequence[Settled], *, now: datetime) -> None:
        with self._connection() as connection:
            connection.execute(_SETTLE, {"now": now, **_settled(settled)}, prepare=True)

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _reason(self, connection: Any, needs: Sequence[Need], now: datetime) -> Refused:  # noqa: ANN401
        waits: list[Refused] = []
        for need in needs:
            pool = connection.execute(_POOL, (need.pool_id,), prepare=True).fetchone()
            if pool is None or pool[1] != need.version:
                return Refused(need.pool_id, "changed", 0.0)
            if pool[0] > now:
                return until_open(need, pool[0], now)
            if need.day_row is not None:
                counted = connection.execute(_COUNTED, (need.day_row,), prepare=True).fetchone()[0]
                if counted >= need.day_limit:
                    return Refused(need.pool_id, "day", 0.0)
            values = (need.pool_id, need.above)
            next_free = connection.execute(_NEXT_FREE, values, prepare=True).fetchone()[0]
            waits.append(until_free(need, next_free, now))
        return max(waits, key=lambda refused: refused.seconds)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with self._lock:
            try:
                with self._database.translating():
                    if self._held is None:
                        self._held = self._open()
                    yield self._held
            except BaseException:
                with self._database.translating(quietly=True):
                    self._drop()
                raise

    def _open(self) -> Any:  # noqa: ANN401 - a driver's connection
        connection = self._database.driver_connection(answer_seconds=ANSWER_SECONDS)
        connection.autocommit = True
        for setting, value in _SETTINGS.items():
            connection.execute(f"SET {setting} = {value}")
        return connection

    def _drop(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            held.close()


def _settled(settled: Sequence[Settled]) -> dict[str, Any]:
    # In one order whoever writes, so that two never wait for each other.
    ordered = sorted(settled, key=lambda one: (one.held.pool_id, one.held.slot))
    return {
        "s_pool": [one.held.pool_id for one in ordered],
        "s_slot": [one.held.slot for one in ordered],
        "s_until": [one.held.until for one in ordered],
        "s_free": [one.free_at for one in ordered],
    }
