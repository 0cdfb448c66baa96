"""Slots on PostgreSQL, by driver SQL on a held connection: one statement takes or refuses."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

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

ANSWER_SECONDS = 10.0
_SETTINGS = {"timezone": "'UTC'", "plan_cache_mode": "force_generic_plan"}

# The server's own clock: however long it took to ask, and whatever this host takes the time for.
_SERVER_TIME = "moment AS MATERIALIZED (SELECT clock_timestamp() AS now)"
_GIVEN_TIME = "moment AS MATERIALIZED (SELECT %(now)s::timestamptz AS now)"
# What is settled here is still taken, and what is claimed here is free: never the same row.
_SETTLE = """UPDATE "ApiRateSlots" AS slot
SET free_at = moment.now + one.seconds * interval '1 second'
FROM moment, unnest(%(s_pool)s::bigint[], %(s_slot)s::bigint[], %(s_lease)s::bigint[],
  %(s_left)s::float8[]) AS one (pool_id, slot, lease, seconds)
WHERE slot.pool_id = one.pool_id AND slot.slot = one.slot AND slot.lease = one.lease
AND slot.free_at > moment.now"""
_FREE = """free{n} AS MATERIALIZED (
  SELECT slot FROM "ApiRateSlots" WHERE pool_id = %(pool{n})s AND slot > %(above{n})s
  AND free_at <= (SELECT now FROM moment) AND EXISTS (
    SELECT 1 FROM "ApiRatePools" WHERE pool_id = %(pool{n})s AND version = %(version{n})s
    AND closed_until <= (SELECT now FROM moment))
  ORDER BY free_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)"""
# Locked, so that two claims cannot both see the last call of the day.
_DAY = """day{n} AS MATERIALIZED (
  SELECT request_count FROM "ApiRateLimits" WHERE id = %(day{n})s
  AND EXISTS (SELECT 1 FROM free{n}) FOR UPDATE)"""
_TAKE = """take{n} AS (
  UPDATE "ApiRateSlots" AS slot
  SET free_at = moment.now + %(taken{n})s * interval '1 second', lease = %(lease)s
  FROM moment, (SELECT slot FROM free{n} LIMIT (SELECT permits FROM room)) AS one
  WHERE slot.pool_id = %(pool{n})s AND slot.slot = one.slot RETURNING slot.slot)"""
_COUNT = """count{n} AS (
  UPDATE "ApiRateLimits" SET request_count = request_count + room.permits FROM room
  WHERE id = %(day{n})s AND room.permits > 0)"""
_REASON = """SELECT pool.version, EXTRACT(EPOCH FROM pool.closed_until - moment.now)::float8,
  (SELECT EXTRACT(EPOCH FROM min(free_at) - moment.now)::float8 FROM "ApiRateSlots" AS slot
    WHERE slot.pool_id = pool.pool_id AND slot > %(above)s)
FROM "ApiRatePools" AS pool, moment WHERE pool.pool_id = %(pool)s"""
_COUNTED = 'SELECT request_count FROM "ApiRateLimits" WHERE id = %s'


@lru_cache
def claim_statement(days: tuple[bool, ...], *, by_server: bool = True) -> str:
    """For as many needs; `days` says which of them count a day."""
    numbers = range(len(days))
    counting = [n for n in numbers if days[n]]
    rooms = [f"(SELECT count(*) FROM free{n})" for n in numbers]
    rooms += [f"(SELECT %(limit{n})s - request_count FROM day{n})" for n in counting]
    parts = [
        _SERVER_TIME if by_server else _GIVEN_TIME,
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

    def __init__(self, database: Database, *, by_server: bool) -> None:
        self._database = database
        self._by_server = by_server
        self._moment = _SERVER_TIME if by_server else _GIVEN_TIME
        self._held = HeldConnection(database, self._open)

    def claim(
        self, needs: Sequence[Need], *, most: int, settled: Sequence[Settled], moment: Moment
    ) -> Permits | Refused:
        lease = draw_lease()
        values = {"most": most, "lease": lease, **_settled(settled, moment)}
        for n, need in enumerate(needs):
            values[f"pool{n}"], values[f"version{n}"] = need.pool_id, need.version
            values[f"above{n}"], values[f"taken{n}"] = need.above, need.taken_for
            values[f"day{n}"], values[f"limit{n}"] = need.day_row, need.day_limit
        days = tuple(need.day_row is not None for need in needs)
        statement = claim_statement(days, by_server=self._by_server)
        with self._held.used() as connection:
            rows = connection.execute(statement, values, prepare=True).fetchall()
            if not rows:
                return self._reason(connection, needs, moment)
        taken = [
            [Held(need.pool_id, slot, lease) for at, slot in rows if at == n]
            for n, need in enumerate(needs)
        ]
        return list(zip(*taken, strict=True))

    def settle(self, settled: Sequence[Settled], moment: Moment) -> None:
        statement = f"WITH {self._moment} {_SETTLE}"
        with self._held.used() as connection:
            connection.execute(statement, _settled(settled, moment), prepare=True)

    def close(self) -> None:
        self._held.close()

    def _reason(self, connection: Any, needs: Sequence[Need], moment: Moment) -> Refused:  # noqa: ANN401
        waits: list[Refused] = []
        statement = f"WITH {self._moment} {_REASON}"
        for need in needs:
            values = {"now": moment.now, "pool": need.pool_id, "above": need.above}
            pool = connection.execute(statement, values, prepare=True).fetchone()
            if pool is None or pool[0] != need.version:
                return Refused(need.pool_id, "changed", 0.0)
            if pool[1] > 0:
                return Refused(need.pool_id, "closed", pool[1])
            if need.day_row is not None:
                counted = connection.execute(_COUNTED, (need.day_row,), prepare=True).fetchone()[0]
                if counted >= need.day_limit:
                    return Refused(need.pool_id, "day", 0.0)
            waits.append(until_free(need, pool[2]))
        return max(waits, key=lambda refused: refused.seconds)

    def _open(self) -> Any:  # noqa: ANN401 - a driver's connection
        connection = self._database.driver_connection(answer_seconds=ANSWER_SECONDS)
        connection.autocommit = True
        for setting, value in _SETTINGS.items():
            connection.execute(f"SET {setting} = {value}")
        return connection


def _settled(settled: Sequence[Settled], moment: Moment) -> dict[str, Any]:
    # In one order whoever writes, so that two never wait for each other.
    ordered = sorted(settled, key=lambda one: (one.held.pool_id, one.held.slot))
    return {
        "now": moment.now,
        "s_pool": [one.held.pool_id for one in ordered],
        "s_slot": [one.held.slot for one in ordered],
        "s_lease": [one.held.lease for one in ordered],
        "s_left": [one.free_at - moment.at for one in ordered],
    }
