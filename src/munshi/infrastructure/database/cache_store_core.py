"""The cache through Core, for databases without driver SQL of their own: SQL Server."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from munshi.infrastructure.database.cache_store import NewEntry, Numbers
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import (
    cache_changes,
    cache_entries,
    cache_leases,
    cache_state,
    cache_table_changes,
    cache_tags,
)
from munshi.infrastructure.database.transaction import Transaction

_rows, _leases = cache_entries.c, cache_leases.c
_this = _rows.cache_key == bindparam("key")
_GET = select(_rows.cache_value, _rows.change_number).where(_this)
_COUNT = update(cache_state).values(entries=cache_state.c.entries + 1)
_STATE = select(cache_state.c.entries, cache_state.c.tags)
_CHANGES = select(
    cache_table_changes.c.table_name, func.sum(cache_table_changes.c.changes)
).group_by(cache_table_changes.c.table_name)
_CHANGED = (
    select(cache_changes.c.change_number, cache_changes.c.cache_key)
    .where(cache_changes.c.change_number > bindparam("since"))
    .order_by(cache_changes.c.change_number)
    .limit(bindparam("most"))
)
_LOG = insert(cache_changes)
_TAGS = select(cache_tags.c.tag, cache_tags.c.version).where(
    cache_tags.c.version > bindparam("since")
)
_FORGET = delete(cache_entries).where(_this)
_INSERT = insert(cache_entries)
_TAKE = (
    update(cache_leases)
    .where(
        _leases.cache_key == bindparam("key"),
        or_(_leases.expires_at <= bindparam("now"), _leases.expires_at > bindparam("far")),
    )
    .values(holder=bindparam("of_holder"), expires_at=bindparam("until"))
)
_LEASE = insert(cache_leases)
_mine = (_leases.cache_key == bindparam("key"), _leases.holder == bindparam("of_holder"))
_RENEW = update(cache_leases).where(*_mine).values(expires_at=bindparam("until"))
_DROP = delete(cache_leases).where(*_mine)
_FENCE = delete(cache_leases).where(_leases.cache_key == bindparam("key"))


class CoreCacheStore:
    """Needs no lock hints of any database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_entry(self, key: str) -> tuple[bytes, int] | None:
        with self._database.observing() as tx:
            row = tx.connection.execute(_GET, {"key": key}).one_or_none()
        return None if row is None else (row.cache_value, row.change_number)

    def put_entry(self, entry: NewEntry) -> int | None:
        with self._database.operational() as tx:
            return self._put(tx, entry)

    def delete_entry(self, key: str) -> None:
        with self._database.operational() as tx:
            tx.connection.execute(_FENCE, {"key": key})
            _log(tx, key)
            tx.connection.execute(_FORGET, {"key": key})

    def get_numbers(self) -> Numbers:
        with self._database.observing() as tx:
            entries, tags = tx.connection.execute(_STATE).one()
            changes = {name: int(count) for name, count in tx.connection.execute(_CHANGES)}
        return Numbers(entries, tags, changes)

    def list_changed(self, since: int, *, limit: int) -> Sequence[tuple[int, str]]:
        with self._database.observing() as tx:
            rows = tx.connection.execute(_CHANGED, {"since": since, "most": limit})
            return [(change, key) for change, key in rows]

    def list_tags(self, since: int) -> Sequence[tuple[str, int]]:
        with self._database.observing() as tx:
            rows = tx.connection.execute(_TAGS, {"since": since})
            return [(tag, version) for tag, version in rows]

    def take_lease(self, key: str, holder: int, *, now: datetime, until: datetime) -> bool:
        far = until + 2 * (until - now)
        values = {"key": key, "of_holder": holder, "now": now, "until": until, "far": far}
        with self._database.operational() as tx:
            if tx.connection.execute(_TAKE, values).rowcount:
                return True
            with suppress(IntegrityError), tx.connection.begin_nested():
                row = {"cache_key": key, "holder": holder, "expires_at": until}
                tx.connection.execute(_LEASE, row)
                return True
        return False

    def renew_leases(self, leases: Mapping[str, int], *, until: datetime) -> None:
        rows = [
            {"key": key, "of_holder": holder, "until": until}
            for key, holder in sorted(leases.items())
        ]
        with self._database.operational() as tx:
            tx.connection.execute(_RENEW, rows)

    def drop_lease(self, key: str, holder: int) -> None:
        with self._database.operational() as tx:
            tx.connection.execute(_DROP, {"key": key, "of_holder": holder})

    def close(self) -> None:
        """There is no connection of its own."""

    def _put(self, tx: Transaction, entry: NewEntry) -> int | None:
        execute, key = tx.connection.execute, {"key": entry.key}
        if entry.holder is not None:
            if not execute(_DROP, {**key, "of_holder": entry.holder}).rowcount:
                return None
            stored = execute(_GET, key).one_or_none()
            if stored is not None and stored.change_number != entry.seen:
                return None
        change = _log(tx, entry.key)
        execute(_FORGET, key)
        execute(_INSERT, _row(entry, change))
        return change


def _log(tx: Transaction, key: str) -> int:
    """From here to the commit nobody else counts."""
    tx.connection.execute(_COUNT)
    change: int = tx.connection.execute(_STATE).one().entries
    tx.connection.execute(_LOG, {"change_number": change, "cache_key": key})
    return change


def _row(entry: NewEntry, change: int) -> dict[str, Any]:
    return {
        "cache_key": entry.key,
        "namespace": entry.namespace,
        "cache_value": entry.value,
        "codec": entry.codec,
        "size_bytes": entry.size,
        "compute_ms": entry.compute_ms,
        "access_count": 0,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "accessed_at": entry.created_at,
        "change_number": change,
    }
