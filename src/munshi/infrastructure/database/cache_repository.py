"""SQL for the cache that is in no hurry: sizes, counts, tags, and making room."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.cache import CacheSize, CacheUse
from munshi.infrastructure.database.models import (
    cache_changes,
    cache_entries,
    cache_leases,
    cache_state,
    cache_table_changes,
    cache_tags,
    cache_use,
)

_rows, _use, _changes = cache_entries.c, cache_use.c, cache_table_changes.c
_SIZE = select(func.count(), func.coalesce(func.sum(_rows.size_bytes), 0))
_SIZES = select(
    _rows.namespace, func.count().label("entries"), func.sum(_rows.size_bytes).label("bytes")
).group_by(_rows.namespace)
# Keys in their order, so that each sweep looks at a stretch and the next one goes on behind it.
_STRETCH = (
    select(_rows.cache_key, _rows.expires_at)
    .where(_rows.cache_key > bindparam("after"))
    .order_by(_rows.cache_key)
    .limit(bindparam("most"))
)
_OF_SHELF = (
    select(_rows.cache_key).where(_rows.namespace == bindparam("shelf")).limit(bindparam("most"))
)
_ANY = select(_rows.cache_key).limit(bindparam("most"))
_LEAST_USED = (
    select(_rows.cache_key, _rows.namespace, _rows.size_bytes)
    .order_by(_rows.accessed_at, _rows.cache_key)
    .limit(bindparam("most"))
)
_DELETE = delete(cache_entries).where(_rows.cache_key == bindparam("key"))
_NOTE_USE = (
    update(cache_entries)
    .where(_rows.cache_key == bindparam("key"))
    .values(access_count=_rows.access_count + bindparam("more"), accessed_at=bindparam("now"))
)
_BUMP_TAGS = update(cache_state).values(tags=cache_state.c.tags + 1)
_TAGS = select(cache_state.c.tags)
_SET_TAG = (
    update(cache_tags)
    .where(cache_tags.c.tag == bindparam("of_tag"))
    .values(version=bindparam("number"), invalidated_at=bindparam("now"))
)
_NEW_TAG = insert(cache_tags)
_OLD_TAGS = delete(cache_tags).where(cache_tags.c.invalidated_at < bindparam("before"))
_OLD_LEASES = delete(cache_leases).where(cache_leases.c.expires_at < bindparam("before"))
_LIST_CHANGES = select(_changes.id, _changes.table_name, _changes.changes)
_FOLDED = delete(cache_table_changes).where(_changes.id == bindparam("row"))
_ADD_CHANGES = insert(cache_table_changes)
_NEW_USE = insert(cache_use)
_BETWEEN = (
    select(cache_use)
    .where(_use.day >= bindparam("first"), _use.day < bindparam("end"))
    .order_by(_use.namespace, _use.day)
)
_OLD_USE = delete(cache_use).where(_use.day < bindparam("before"))
_NEWEST = select(func.max(cache_changes.c.change_number))
_OLD_CHANGES = delete(cache_changes).where(cache_changes.c.change_number < bindparam("before"))
_COUNTED = tuple(column.name for column in cache_use.c if not column.primary_key)


@dataclass(frozen=True, slots=True)
class LeastUsed:
    """An entry that may go to make room."""

    key: str
    namespace: str
    size: int


@lru_cache
def _add_use() -> Update:
    return (
        update(cache_use)
        .where(_use.day == bindparam("of_day"), _use.namespace == bindparam("of_shelf"))
        .values({name: _use[name] + bindparam(f"more_{name}") for name in _COUNTED})
    )


class CacheRepository:
    """What is rare. Getting and setting go by the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_size(self) -> CacheSize:
        entries, size = self._connection.execute(_SIZE).one()
        return CacheSize(entries=entries, bytes=int(size))

    def list_sizes(self) -> dict[str, CacheSize]:
        """By shelf."""
        return {
            row.namespace: CacheSize(entries=row.entries, bytes=int(row.bytes))
            for row in self._connection.execute(_SIZES)
        }

    def invalidate_tag(self, tag: str, *, now: datetime) -> None:
        """Nothing that was worked out before now, under this tag, is good any more."""
        self._connection.execute(_BUMP_TAGS)
        number = self._connection.execute(_TAGS).scalar_one()
        values = {"of_tag": tag, "number": number, "now": now}
        if not self._connection.execute(_SET_TAG, values).rowcount:
            row = {"tag": tag, "version": number, "invalidated_at": now}
            self._connection.execute(_NEW_TAG, row)

    def delete_expired(self, *, after: str, now: datetime, limit: int) -> str | None:
        """Of the next `limit` rows behind the key `after`; the last key, None at the end."""
        rows = self._connection.execute(_STRETCH, {"after": after, "most": limit}).all()
        self._delete([row.cache_key for row in rows if row.expires_at <= now])
        return rows[-1].cache_key if len(rows) == limit else None

    def delete_entries(self, shelf: str | None, *, limit: int) -> int:
        """Up to `limit` rows of a shelf, or of all; how many."""
        values: dict[str, Any] = {"most": limit}
        chosen = _ANY if shelf is None else _OF_SHELF
        values |= {} if shelf is None else {"shelf": shelf}
        return self._delete(self._connection.execute(chosen, values).scalars().all())

    def list_least_used(self, *, limit: int) -> list[LeastUsed]:
        """What was not used for longest, that first."""
        rows = self._connection.execute(_LEAST_USED, {"most": limit})
        return [LeastUsed(row.cache_key, row.namespace, row.size_bytes) for row in rows]

    def evict(self, keys: Sequence[str]) -> None:
        self._delete(keys)

    def note_use(self, counts: Mapping[str, int], *, now: datetime) -> None:
        """Add to the access counts, in the order of keys, so that two never wait in a circle."""
        rows = [{"key": key, "more": more, "now": now} for key, more in sorted(counts.items())]
        if rows:
            self._connection.execute(_NOTE_USE, rows)

    def fold_changes(self) -> None:
        """Make one row of each table's; nothing that is added meanwhile is lost."""
        sums: dict[str, int] = {}
        rows = self._connection.execute(_LIST_CHANGES).all()
        if len(rows) == len({row.table_name for row in rows}):
            return
        for row in rows:
            # Somebody else may be folding the same rows: who deletes a row has its count.
            if self._connection.execute(_FOLDED, {"row": row.id}).rowcount:
                sums[row.table_name] = sums.get(row.table_name, 0) + row.changes
        if sums:
            folded = [{"table_name": name, "changes": count} for name, count in sums.items()]
            self._connection.execute(_ADD_CHANGES, folded)

    def cleanup_changes(self, *, kept: int) -> None:
        """Forget all but the newest; who has not seen those that go forgets all it holds."""
        newest = self._connection.execute(_NEWEST).scalar()
        if newest is not None:
            self._connection.execute(_OLD_CHANGES, {"before": newest - kept})

    def cleanup_notes(self, *, tags_before: datetime, leases_before: datetime) -> None:
        self._connection.execute(_OLD_TAGS, {"before": tags_before})
        self._connection.execute(_OLD_LEASES, {"before": leases_before})

    def save_use(self, counts: Iterable[CacheUse]) -> None:
        """Add to what the days have."""
        for count in counts:
            values = asdict(count)
            more = {f"more_{name}": values[name] for name in _COUNTED}
            of = {"of_day": count.day, "of_shelf": count.namespace}
            if self._connection.execute(_add_use(), {**of, **more}).rowcount:
                continue
            try:
                with self._connection.begin_nested():
                    self._connection.execute(_NEW_USE, values)
            except IntegrityError:  # another process began the day at this moment
                self._connection.execute(_add_use(), {**of, **more})

    def list_use(self, *, first: date, end: date) -> list[CacheUse]:
        """Days from `first` to the one before `end`, by shelf and day."""
        rows = self._connection.execute(_BETWEEN, {"first": first, "end": end})
        return [CacheUse(**row._mapping) for row in rows]  # noqa: SLF001 - its public name

    def cleanup_use(self, *, before: date) -> None:
        self._connection.execute(_OLD_USE, {"before": before})

    def _delete(self, keys: Sequence[str]) -> int:
        if keys:
            self._connection.execute(_DELETE, [{"key": key} for key in sorted(keys)])
        return len(keys)
