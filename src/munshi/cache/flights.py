"""One caller of a process works an entry out; the others wait for what he finds."""

from dataclasses import dataclass, field
from threading import Event, Lock, get_ident
from typing import Any


@dataclass(slots=True, eq=False)
class Flight:
    """`error` is raised by all who waited; a failure is shared as a value is."""

    leader: int
    over: Event = field(default_factory=Event)
    value: Any = None
    error: BaseException | None = None


class Flights:
    """By key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way: dict[str, Flight] = {}

    def join(self, key: str) -> tuple[Flight, bool]:
        """The flight of `key`, and whether the caller leads it.

        A leader who asks again waits for nobody: he gets a flight of his own.
        """
        mine = get_ident()
        with self._lock:
            found = self._under_way.get(key)
            if found is None:
                found = self._under_way[key] = Flight(mine)
                return found, True
        return (Flight(mine), True) if found.leader == mine else (found, False)

    def has(self, key: str) -> bool:
        return key in self._under_way

    def land(self, key: str, flight: Flight) -> None:
        with self._lock:
            if self._under_way.get(key) is flight:
                del self._under_way[key]
        flight.over.set()
