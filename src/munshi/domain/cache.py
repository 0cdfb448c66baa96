"""What is known of the cache: its size, and how each shelf of it is used."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Self

# Triggers of the database count the changes of these, so shelves may depend on them.
WATCHED_TABLES = frozenset({"Instruments", "CandleFiles"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What a shelf did on one day (IST).

    First hits came from the process, second hits from the database; stale ones are among them.
    `refused` values were too large or found no room, `damaged` ones could not be read again.
    """

    namespace: str
    day: date
    first_hits: int = 0
    second_hits: int = 0
    stale_hits: int = 0
    misses: int = 0
    computed: int = 0
    compute_seconds: float = 0.0
    refused: int = 0
    damaged: int = 0
    evicted: int = 0

    @property
    def gets(self) -> int:
        return self.first_hits + self.second_hits + self.misses

    @property
    def hit_rate(self) -> float | None:
        """From 0 to 1; None where nothing was asked for."""
        return (self.first_hits + self.second_hits) / self.gets if self.gets else None

    def __add__(self, other: Self) -> Self:
        counted = {
            name: getattr(self, name) + getattr(other, name)
            for name in (each.name for each in fields(self))
            if name not in {"namespace", "day"}
        }
        return type(self)(namespace=self.namespace, day=self.day, **counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSize:
    """Rows and bytes of values, as the database holds them."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfStatus:
    """One shelf now, and how it was used today (IST)."""

    name: str
    stored: CacheSize
    today: CacheUse


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatus:
    """`first_level` is what this process holds; its bytes are estimated."""

    stored: CacheSize
    most_bytes: int
    first_level: CacheSize
    most_first_level_bytes: int
    shelves: tuple[ShelfStatus, ...]
