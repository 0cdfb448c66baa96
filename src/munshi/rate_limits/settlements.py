"""Slots that are given back: collected, and stored with the next claim or a moment later."""

from threading import Lock

from munshi.infrastructure.database.rate_slots import Settled


class Settlements:
    """A slot that is stored late is free late, and never early."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[tuple[int, int], Settled] = {}

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def add(self, settled: Settled) -> None:
        with self._lock:
            self._waiting[settled.held.pool_id, settled.held.slot] = settled

    def take(self) -> list[Settled]:
        """Everything, now counted as stored."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def put_back(self, settled: list[Settled]) -> None:
        """Storing failed; what came meanwhile wins."""
        with self._lock:
            for one in settled:
                self._waiting.setdefault((one.held.pool_id, one.held.slot), one)
