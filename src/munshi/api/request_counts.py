"""How many requests were answered, and how long that took; counted by the gate."""

from collections import Counter
from collections.abc import Mapping

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestCounts:
    """Noted and read on the event loop's thread or under the interpreter's lock: no lock of ours.

    Anybody may invent a method, so unknown ones are counted as one.
    """

    def __init__(self) -> None:
        self._answered: Counter[tuple[str, int]] = Counter()
        self._seconds = 0.0

    def note(self, method: str, status: int, seconds: float) -> None:
        """One request is over; a `status` of 0 was never answered."""
        self._answered[method if method in _METHODS else "other", status] += 1
        self._seconds += seconds

    @property
    def answered(self) -> Mapping[tuple[str, int], int]:
        """By method and status."""
        return dict(self._answered)

    @property
    def seconds(self) -> float:
        """All together, from the first byte in to the last one out; nothing of event streams."""
        return self._seconds
