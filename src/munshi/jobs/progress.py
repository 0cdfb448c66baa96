"""How far a job is and how fast it gets on."""

from typing import NamedTuple

from munshi.infrastructure.causes import storable

MESSAGE_LENGTH = 1000
# A rate is judged over at least this long, and follows a change within a few such spans.
SPAN_SECONDS = 1.0
_WEIGHT = 0.3


class Progress(NamedTuple):
    """`rate` in percent a second, where there is one yet."""

    percent: float
    message: str
    rate: float | None


class ProgressMeter:
    """Keeps the last report; whoever uses it sees to the lock."""

    def __init__(self) -> None:
        self.last = Progress(0.0, "", None)
        self._is_unsaved = False
        self._since: tuple[float, float] | None = None

    def report(self, percent: float, message: str | None, *, at: float) -> None:
        """`at` is monotonic seconds."""
        shown = _clamp(percent)
        said = self.last.message if message is None else _short(message)
        self.last = Progress(shown, said, self._rate(shown, at))
        self._is_unsaved = True

    def _rate(self, percent: float, at: float) -> float | None:
        if self._since is None or percent < self._since[1]:
            self._since = at, percent
            return None
        elapsed = at - self._since[0]
        if elapsed < SPAN_SECONDS:
            return self.last.rate
        rate = (percent - self._since[1]) / elapsed
        self._since = at, percent
        if self.last.rate is None:
            return rate
        return self.last.rate + _WEIGHT * (rate - self.last.rate)

    def take(self) -> Progress | None:
        if not self._is_unsaved:
            return None
        self._is_unsaved = False
        return self.last

    def put_back(self) -> None:
        self._is_unsaved = True


def _short(message: str) -> str:
    return storable(message)[:MESSAGE_LENGTH]


def _clamp(percent: float) -> float:
    return min(100.0, max(0.0, float(percent))) if percent == percent else 0.0  # noqa: PLR0124
