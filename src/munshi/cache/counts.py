"""How the cache is used, counted in memory and stored by the batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from threading import Lock

from munshi.domain.cache import CacheUse


@dataclass(slots=True)
class Tally:
    """Of one shelf; a count may be lost where two threads count at the same moment."""

    second_hits: int = 0
    stale_hits: int = 0
    misses: int = 0
    computed: int = 0
    compute_seconds: float = 0.0
    refused: int = 0
    damaged: int = 0
    evicted: int = 0


_ZERO = Tally()


class Counts:
    """What was not stored yet. A killed process loses the last seconds.

    `gets` says how often each row was read; whoever reads one counts it there, without a lock.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.gets: dict[str, int] = {}
        self._put_back: list[CacheUse] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there to be stored; a count of this very moment may be missed."""
        return not (self.gets or self._put_back or any(t != _ZERO for t in self._all()))

    def _all(self) -> list[Tally]:
        return list(self._tallies.values())

    def tally(self, name: str) -> Tally:
        """The shelf's own, for as long as the process lives."""
        with self._lock:
            return self._tallies[name]

    def take_gets(self) -> dict[str, int]:
        """How often each row was got, of those that were read."""
        with self._lock:
            taken, self.gets = self.gets, {}
        return taken

    def take(self, first_hits: Mapping[str, int], *, day: date) -> list[CacheUse]:
        """Everything, now counted as stored."""
        found: list[CacheUse] = []
        with self._lock:
            found, self._put_back = self._put_back, []
            for name, tally in self._tallies.items():
                counted = {each.name: getattr(tally, each.name) for each in fields(Tally)}
                for each in fields(Tally):
                    setattr(tally, each.name, 0)
                hits = first_hits.get(name, 0)
                if hits or any(counted.values()):
                    found.append(CacheUse(namespace=name, day=day, first_hits=hits, **counted))
        return found

    def put_back(self, counts: Iterable[CacheUse]) -> None:
        """Storing failed."""
        with self._lock:
            self._put_back += counts
