"""How much the cache may hold in the database, and what is known of how much it does."""

from threading import Lock

# Between two looks several processes write; nobody writes past this.
_MOST_OVER = 1.25


class Room:
    """Bytes are those of the last look, and what this process has written since."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = Lock()
        self._bytes = 0

    @property
    def is_over(self) -> bool:
        """Somebody should make room."""
        return self._bytes > self.most_bytes

    def has_for(self, size: int) -> bool:
        return size <= self.most_bytes / 4 and self._bytes + size <= _MOST_OVER * self.most_bytes

    def add(self, size: int) -> None:
        with self._lock:
            self._bytes += size

    def counted(self, size: int) -> None:
        self._bytes = size
