"""What people have open, kept fresh: one thread of a process looks for all who read."""

import hashlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import structlog

from munshi.clock import Clock
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.causes import cause
from munshi.infrastructure.feed import Feed

POLL_SECONDS = 1.0
# What moves by itself, such as the market's state, is looked at as often as this.
REFRESH_SECONDS = 20.0
# Drawing takes a fifth of a processor at most, however much is open and however fast it changes;
# it rests after each part, so that what is asked of the API waits for one at most.
REST = 4.0
_log = structlog.get_logger(__name__)


class Moving(Protocol):
    """The part of a page that moves. `key` tells apart what is not shown alike to everybody."""

    @property
    def key(self) -> Hashable: ...

    def signs(self) -> str:
        """Beside the desk's own signs: another text when there is something new."""
        ...

    def render(self) -> str:
        """The part as HTML, as of now."""
        ...


class Reader:
    """One page that is open. Its queue holds one part: a newer one takes the older's place."""

    def __init__(self, moving: Moving, *, seen: str, wake: Callable[[], None]) -> None:
        self.moving = moving
        self._seen = seen
        self._wake = wake
        self._lock = threading.Lock()
        self._next: bytes | None = None
        self._is_over = False

    @property
    def is_over(self) -> bool:
        return self._is_over

    def take(self) -> list[bytes]:
        with self._lock:
            found, self._next = self._next, None
        return [] if found is None else [found]

    def give(self, mark: str, event: bytes) -> None:
        """Nothing where the page shows it already."""
        if mark == self._seen:
            return
        with self._lock:
            self._seen, self._next = mark, event
        self._wake()

    def end(self) -> None:
        self._is_over = True
        self._wake()


@dataclass(slots=True)
class _Shown:
    """What was last made of one part, from which signs and when."""

    signs: str | None = None
    at: float = 0.0
    mark: str = ""
    event: bytes = b""


class LiveFeed(Feed[Reader]):
    """`signs` is the small read that says whether there may be anything new for anybody."""

    thread_name = "live-feed"
    after_failure_seconds = 3.0

    def __init__(self, clock: Clock, signs: Callable[[], str]) -> None:
        super().__init__()
        self._clock = clock
        self._signs = signs
        self._shown: dict[Hashable, _Shown] = {}

    def subscribe(self, moving: Moving, *, seen: str, wake: Callable[[], None]) -> Reader:
        """Read on from the part whose mark is `seen`."""
        reader = Reader(moving, seen=seen, wake=wake)
        with self._changed:
            shown = self._shown.get(moving.key)
            if shown is not None and shown.mark:
                reader.give(shown.mark, shown.event)
            self._join(reader)
        return reader

    def unsubscribe(self, reader: Reader) -> None:
        with self._changed:
            super().unsubscribe(reader)
            if not self._reading(reader.moving.key):
                self._shown.pop(reader.moving.key, None)

    def _turn(self, readers: list[Reader]) -> float:
        signs = self._signs()
        for key in dict.fromkeys(reader.moving.key for reader in readers):
            try:
                self._look(key, signs)
            except DatabaseUnreachableError:
                raise
            except Exception as error:  # noqa: BLE001 - the other pages have done nothing wrong
                _log.error("live_part_failed", part=str(key)[:200], cause=cause(error))
        return POLL_SECONDS

    def _look(self, key: Hashable, signs: str) -> None:
        with self._changed:
            reading = self._reading(key)
            if not reading:
                return
            moving, shown = reading[0].moving, self._shown.setdefault(key, _Shown())
        now = self._clock.monotonic()
        signs += moving.signs()
        if signs == shown.signs and now - shown.at < REFRESH_SECONDS:
            return
        html = moving.render()
        with self._changed:
            shown.signs, shown.at = signs, now
            shown.mark, shown.event = mark_of(html), spell_part(html)
            for reader in self._reading(key):
                reader.give(shown.mark, shown.event)
            rest = REST * (self._clock.monotonic() - now)
            self._changed.wait_for(lambda: self._is_ended, rest)

    def _reading(self, key: Hashable) -> list[Reader]:
        return [reader for reader in self._readers if reader.moving.key == key]


def mark_of(html: str) -> str:
    """Names a part by what it says, so that a page that shows it is sent nothing."""
    return hashlib.sha256(html.encode()).hexdigest()[:16]


def spell_part(html: str) -> bytes:
    """One event without a name, which htmx puts into the page."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"id: {mark_of(html)}\n{lines}\n".encode()
