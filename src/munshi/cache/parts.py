"""What the shelves of a process share."""

from dataclasses import dataclass
from threading import BoundedSemaphore

from munshi.cache.counts import Counts
from munshi.cache.first_level import FirstLevel
from munshi.cache.flights import Flights
from munshi.cache.keeper import Keeper
from munshi.cache.leases import Leases
from munshi.cache.room import Room
from munshi.cache.watch import Watch
from munshi.clock import Clock
from munshi.infrastructure.database.cache_store import CacheStore
from munshi.infrastructure.database.engine import Database

MOST_REFRESHES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`refreshes` bounds how many entries are worked out behind the scenes at once."""

    database: Database
    clock: Clock
    store: CacheStore
    first: FirstLevel
    watch: Watch
    counts: Counts
    flights: Flights
    leases: Leases
    room: Room
    keeper: Keeper
    refreshes: BoundedSemaphore
