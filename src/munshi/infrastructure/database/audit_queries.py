"""SQL that reads AuditLogs: pages in the order of time, and what has committed since a place.

A page is read by time and id, so newest rows are there at once. Who follows the trail cannot go by
either: on PostgreSQL a slow transaction commits rows with lower ids and earlier times than rows
that were given out already. There the place is a snapshot, and what comes next is what that
snapshot did not see. On SQLite, which has one writer, ids commit in order.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
)

from munshi.domain.audit import AuditEntry
from munshi.infrastructure.database.models import audit_logs
from munshi.infrastructure.database.types import Instant

_rows = audit_logs.c
_NOWHERE = ""
_PLACE = re.compile(r"(\d{1,19})/(\d{1,19})/(\d{1,19})/([\d:,]*)/([\d:,]*)")
_LONGEST_PLACE = 4000
_LARGEST = 2**63 - 1
_ONE = select(audit_logs).where(_rows.id == bindparam("wanted"))
_NEWEST = select(func.coalesce(func.max(_rows.id), 0))
# A row that is seen though its transaction is yet to come was restored from another cluster,
# whose count of transactions says nothing here. All ids up to the last of those are behind us.
_POSTGRESQL_NOW = text(
    """SELECT pg_current_snapshot()::text AS snapshot,
    coalesce((SELECT max(id) FROM "AuditLogs" WHERE transaction_id IS NOT NULL
      AND transaction_id >= pg_snapshot_xmax(pg_current_snapshot())), 0) AS foreign_id,
    coalesce((SELECT max(id) FROM "AuditLogs"), 0) AS newest_id"""
)
_POSTGRESQL_IS_FOREIGN = text(
    """SELECT pg_snapshot_xmax(CAST(:base AS pg_snapshot))
      > pg_snapshot_xmax(pg_current_snapshot())"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows to list; None means any. `since` is in, `until` is not.

    `before` and `after` are cursors: the time and id of the last row of the page before.
    """

    entity_type: str | None = None
    entity_id: str | None = None
    user_id: str | None = None
    action: str | None = None
    request_id: str | None = None
    job_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, int] | None = None
    after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlace:
    """How far the trail has been followed.

    `newest_id` is the highest id given out. On PostgreSQL `base` is the snapshot whose rows were
    all given out, and while more came than one answer holds, `target` is the snapshot that is
    being caught up with, up to the id `within`. Ids up to `floor` belong to another cluster.
    """

    newest_id: int
    floor: int = 0
    within: int = 0
    base: str = _NOWHERE
    target: str = _NOWHERE

    def to_text(self) -> str:
        return f"{self.newest_id}/{self.floor}/{self.within}/{self.base}/{self.target}"

    @classmethod
    def from_text(cls, given: str) -> "AuditPlace":
        """Raises ValueError for what `to_text` never says."""
        found = _PLACE.fullmatch(given) if len(given) <= _LONGEST_PLACE else None
        if found is None:
            raise ValueError("not a place in the trail")
        newest_id, floor, within, base, target = found.groups()
        if max(int(newest_id), int(floor), int(within)) > _LARGEST or not (
            _is_snapshot(base) and _is_snapshot(target)
        ):
            raise ValueError("not a place in the trail")
        return cls(
            newest_id=int(newest_id), floor=int(floor), within=int(within), base=base, target=target
        )


def _is_snapshot(given: str) -> bool:
    """Whether PostgreSQL would read it: `xmin:xmax:` and what was open between, in order."""
    if given == _NOWHERE:
        return True
    first, last, open_ones = [*given.split(":"), "", ""][:3]
    if given.count(":") != 2 or not (first.isdigit() and last.isdigit()):  # noqa: PLR2004
        return False
    between = open_ones.split(",") if open_ones else []
    if not all(each.isdigit() for each in between):
        return False
    numbers = [int(first), *map(int, between)]
    return (
        0 < numbers[0] <= int(last) <= _LARGEST
        and numbers == sorted(numbers)
        and (not between or numbers[-1] < int(last))
    )


def list_logs(
    connection: Connection, chosen: AuditFilter, *, limit: int, oldest_first: bool = False
) -> list[AuditEntry]:
    """Newest first, or oldest first, at most `limit`."""
    values = _values(chosen)
    statement = _listing(frozenset(values), oldest_first=oldest_first)
    found = connection.execute(statement, {**values, "most": limit})
    return [_entry(row) for row in found]


def get_log(connection: Connection, audit_id: int) -> AuditEntry | None:
    row = connection.execute(_ONE, {"wanted": audit_id}).first()
    return None if row is None else _entry(row)


def count_logs(connection: Connection, chosen: AuditFilter) -> int:
    values = _values(chosen)
    found: int = connection.execute(_counting(frozenset(values)), values).scalar_one()
    return found


def current_place(connection: Connection) -> AuditPlace:
    """Where a transaction that sees one state stands: behind all that it sees."""
    if connection.dialect.name != "postgresql":
        return AuditPlace(newest_id=connection.execute(_NEWEST).scalar_one())
    row = connection.execute(_POSTGRESQL_NOW).one()
    return AuditPlace(newest_id=row.newest_id, floor=row.foreign_id, base=row.snapshot)


def list_since(
    connection: Connection, place: AuditPlace, chosen: AuditFilter, *, limit: int
) -> tuple[list[AuditEntry], AuditPlace]:
    """What has committed since `place`, by id, at most `limit`; and the place behind it.

    No row is left out and none is given twice, whatever order transactions end in.
    """
    values = {**_values(chosen), "most": limit}
    if connection.dialect.name != "postgresql":
        return _since_id(connection, place, values)
    now = current_place(connection)
    is_foreign = (
        not place.base
        or connection.execute(_POSTGRESQL_IS_FOREIGN, {"base": place.base}).scalar_one()
    )
    if is_foreign:
        # The database was restored: what it has beyond the last id is all that can be said.
        entries, there = _since_id(connection, place, values)
        return entries, there if len(entries) == limit else replace(now, newest_id=there.newest_id)
    target = place.target or now.base
    values |= {"base": place.base, "target": target, "low": max(place.floor, place.within)}
    statement = _since_snapshot(frozenset(values))
    entries = [_entry(row) for row in connection.execute(statement, values)]
    newest_id = max([place.newest_id, *(entry.audit_id for entry in entries)])
    if len(entries) == limit:
        within = entries[-1].audit_id
        return entries, replace(place, newest_id=newest_id, within=within, target=target)
    return entries, AuditPlace(newest_id=newest_id, floor=place.floor, base=target)


def _since_id(
    connection: Connection, place: AuditPlace, values: dict[str, Any]
) -> tuple[list[AuditEntry], AuditPlace]:
    values = {**values, "low": place.newest_id}
    newest_id = connection.execute(_NEWEST).scalar_one()
    entries = [_entry(row) for row in connection.execute(_since(frozenset(values)), values)]
    if len(entries) == values["most"]:
        newest_id = entries[-1].audit_id
    return entries, replace(place, newest_id=max(newest_id, place.newest_id))


def _values(chosen: AuditFilter) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in AuditFilter.__dataclass_fields__:
        given = getattr(chosen, name)
        if isinstance(given, tuple):
            values |= {f"{name}_at": given[0], f"{name}_id": given[1]}
        elif given is not None:
            values[name] = given
    return values


_BEFORE = and_(
    _rows.timestamp <= bindparam("before_at", type_=Instant),
    or_(
        _rows.timestamp < bindparam("before_at", type_=Instant),
        _rows.id < bindparam("before_id"),
    ),
)
_AFTER = and_(
    _rows.timestamp >= bindparam("after_at", type_=Instant),
    or_(
        _rows.timestamp > bindparam("after_at", type_=Instant),
        _rows.id > bindparam("after_id"),
    ),
)
_CONDITIONS = {
    "since": _rows.timestamp >= bindparam("since"),
    "until": _rows.timestamp < bindparam("until"),
    "before_id": _BEFORE,
    "after_id": _AFTER,
    "low": _rows.id > bindparam("low"),
    **{
        name: _rows[name] == bindparam(name)
        for name in ("entity_type", "entity_id", "user_id", "action", "request_id", "job_id")
    },
}


def _chosen(given: frozenset[str]) -> list[Any]:
    return [_CONDITIONS[name] for name in sorted(given) if name in _CONDITIONS]


@lru_cache
def _listing(given: frozenset[str], *, oldest_first: bool) -> Select[Any]:
    order = (_rows.timestamp, _rows.id)
    if not oldest_first:
        order = (_rows.timestamp.desc(), _rows.id.desc())  # type: ignore[assignment]
    return select(audit_logs).where(*_chosen(given)).order_by(*order).limit(bindparam("most"))


@lru_cache
def _counting(given: frozenset[str]) -> Select[Any]:
    return select(func.count()).select_from(audit_logs).where(*_chosen(given))


@lru_cache
def _since(given: frozenset[str]) -> Select[Any]:
    return select(audit_logs).where(*_chosen(given)).order_by(_rows.id).limit(bindparam("most"))


@lru_cache
def _since_snapshot(given: frozenset[str]) -> Select[Any]:
    return _since(given).where(
        _rows.transaction_id.is_not(None),
        text("transaction_id >= pg_snapshot_xmin(CAST(:base AS pg_snapshot))"),
        text("NOT pg_visible_in_snapshot(transaction_id, CAST(:base AS pg_snapshot))"),
        text("pg_visible_in_snapshot(transaction_id, CAST(:target AS pg_snapshot))"),
    )


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        audit_id=row.id,
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        action=row.action,
        old_value=row.old_value,
        new_value=row.new_value,
        timestamp=row.timestamp,
        user_id=row.user_id,
        request_id=row.request_id,
        job_id=row.job_id,
        details=row.details,
        leaf=row.leaf,
    )
