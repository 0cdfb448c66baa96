"""How much the cache may hold in the database, and what is known of how much it does."""

from threading import Lock

# Counting is dear, so it is done when so much of what it may hold has been written since.
_WORTH_COUNTING = 0.02
# Between two counts several processes write; nobody writes past this.
_MOST_OVER = 1.25


class Room:
    """Bytes as last counted, and what was written since: by others, at the usual size."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = Lock()
        self._counted = 0
        self._usual = 0.0
        self._own = 0
        self._at_change: int | None = None
        self._change = 0
        self._own_writes = 0

    @property
    def bytes(self) -> int:
        """An estimate, which is too high where entries were replaced."""
        others = max(self._change - (self._at_change or 0) - self._own_writes, 0)
        return self._counted + self._own + int(others * self._usual)

    @property
    def is_over(self) -> bool:
        """Somebody should count, and make room."""
        return self.bytes > self.most_bytes

    @property
    def wants_counting(self) -> bool:
        if self._at_change is None:
            return True
        return self.bytes - self._counted > _WORTH_COUNTING * self.most_bytes or self.is_over

    def has_for(self, size: int) -> bool:
        return size <= self.most_bytes / 4 and self.bytes + size <= _MOST_OVER * self.most_bytes

    def add(self, size: int) -> None:
        """This process has written an entry."""
        with self._lock:
            self._own += size
            self._own_writes += 1

    def noticed(self, change: int) -> None:
        """So many writes there have been, of all processes."""
        self._change = change

    def counted(self, size: int, entries: int, *, change: int) -> None:
        with self._lock:
            self._counted = size
            self._usual = size / entries if entries else 0.0
            self._own = self._own_writes = 0
            self._at_change = change
            self._change = max(change, self._change)
