"""The second level of the cache as every process sees it: its rows, its leases, its numbers."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

GONE = "gone"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What has been counted so far: writes of entries, invalidated tags, changes by table."""

    entries: int
    tags: int
    tables: Mapping[str, int]


@dataclass(slots=True)
class StoredEntry:
    """A row as it stands; nothing of it has been checked. Instants are aware UTC."""

    value: bytes
    codec: str
    checksum: int
    fresh_until: datetime
    expires_at: datetime
    compute_ms: float | None
    tags: str | None
    tags_seen: int
    tables_seen: int
    change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A row to be. `holder` is the lease under which it was worked out, None without one."""

    key: str
    namespace: str
    value: bytes
    codec: str
    checksum: int
    compute_ms: float | None
    created_at: datetime
    fresh_until: datetime
    expires_at: datetime
    tags: str | None
    tags_seen: int
    tables_seen: int
    holder: int | None


def draw_holder() -> int:
    """Two that are alike would have to want the same entry at the same time."""
    return secrets.randbits(62) + 1


class CacheStore(Protocol):
    """Used by several threads, one at a time.

    Each call is a transaction of its own, not durable. Raises DatabaseUnreachableError, which a
    database that is busy for a quarter of a second does too: nobody waits long for a cache.
    """

    def get_entry(self, key: str) -> StoredEntry | None: ...

    def put_entry(self, entry: NewEntry) -> int | None:
        """Write the row; the number of this change.

        Without a holder nobody who works the entry out now may write it any more. With one None
        is returned, and nothing written, if the lease is not its holder's any more.
        """
        ...

    def get_numbers(self) -> Numbers: ...

    def list_changed(self, since: int, *, limit: int) -> Sequence[tuple[str, int]]:
        """Keys with the number of their last change, of changes behind `since`."""
        ...

    def list_tags(self, since: int) -> Sequence[tuple[str, int]]:
        """Tags that were invalidated behind `since`, with the number each has now."""
        ...

    def take_lease(self, key: str, holder: int, *, now: datetime, until: datetime) -> bool:
        """Whether `holder` may work `key` out. A lease of the far future is nobody's."""
        ...

    def renew_leases(self, leases: Mapping[str, int], *, until: datetime) -> None: ...

    def drop_lease(self, key: str, holder: int) -> None: ...

    def close(self) -> None: ...
