"""The second level of the cache as every process sees it: its rows, its leases, its numbers."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Numbers:
    """What has been counted so far: writes, invalidated tags, changes by table.

    Where no list of changes is kept, `entries` is only another number after each write.
    """

    entries: int
    tags: int
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A row to be. `holder` is the lease under which it was worked out, None without one.

    `seen` is the number the row had when the lease was taken, 0 if there was none.
    """

    key: str
    namespace: str
    value: bytes
    codec: str
    size: int
    compute_ms: float | None
    created_at: datetime
    expires_at: datetime
    holder: int | None = None
    seen: int = 0


def draw_holder() -> int:
    """Two that are alike would have to want the same entry at the same time."""
    return secrets.randbits(62) + 1


class CacheStore(Protocol):
    """Used by several threads, one at a time.

    Each call is a transaction of its own, not durable. Raises DatabaseUnreachableError, which a
    database that is busy for a quarter of a second does too: nobody waits long for a cache.
    """

    def get_entry(self, key: str) -> tuple[bytes, int] | None:
        """The value as it stands, and the number that its last write gave it."""
        ...

    def put_entry(self, entry: NewEntry) -> int | None:
        """Write the row; the number it has now.

        With a holder None is returned, and nothing written, if the lease is not its holder's any
        more, or the row's number is not `seen`.
        """
        ...

    def delete_entry(self, key: str) -> None:
        """Whoever works it out at this moment may not write it any more."""
        ...

    def get_numbers(self) -> Numbers: ...

    def list_changed(self, since: int, *, limit: int) -> Sequence[tuple[int, str]] | None:
        """Numbers and keys of changes behind `since`; a gap says that some are forgotten.

        None where nobody keeps a list, so that each entry has to be compared with its row.
        """
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
