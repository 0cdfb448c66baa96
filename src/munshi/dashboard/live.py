"""What people have open, kept fresh: one thread of a process looks for all who read."""

import hashlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from munshi.clock import Clock
from munshi.errors import DatabaseUnreachableError
from munshi.jobs.causes import cause

POLL_SECONDS = 1.0
# What moves by itself, such as the market's state, is looked at as often as this.
REFRESH_SECONDS = 20.0
AFTER_FAILURE_SECONDS = 3.0
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
    readers: list[Reader] = field(default_factory=list)


class LiveFeed:
    """`signs` is the small read that says whether there may be anything new for anybody."""

    def __init__(self, clock: Clock, signs: Callable[[], str]) -> None:
        self._clock = clock
        self._signs = signs
        self._changed = threading.Condition()
        self._shown: dict[Hashable, _Shown] = {}
        self._thread: threading.Thread | None = None
        self._has_news = False
        self._is_ended = False

    def subscribe(self, moving: Moving, *, seen: str, wake: Callable[[], None]) -> Reader:
        """Read on from the part whose mark is `seen`. Whoever subscribes unsubscribes."""
        reader = Reader(moving, seen=seen, wake=wake)
        with self._changed:
            if self._is_ended:
                reader.end()
                return reader
            shown = self._shown.setdefault(moving.key, _Shown())
            shown.readers.append(reader)
            if shown.mark:
                reader.give(shown.mark, shown.event)
            self._has_news = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-feed", daemon=True)
                self._thread.start()
            self._changed.notify()
        return reader

    def unsubscribe(self, reader: Reader) -> None:
        with self._changed:
            shown = self._shown.get(reader.moving.key)
            if shown is not None and reader in shown.readers:
                shown.readers.remove(reader)
                if not shown.readers:
                    del self._shown[reader.moving.key]
                self._changed.notify()

    @property
    def readers(self) -> int:
        with self._changed:
            return sum(len(shown.readers) for shown in self._shown.values())

    def end(self) -> None:
        """Every reader, and every later one, is told that nothing more comes; never waits."""
        with self._changed:
            self._is_ended = True
            readers = [reader for shown in self._shown.values() for reader in shown.readers]
            self._shown.clear()
            self._changed.notify()
        for reader in readers:
            reader.end()

    def close(self) -> None:
        """`end`, and the thread is gone."""
        self.end()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        pause = 0.0
        while shown := self._wait(pause):
            try:
                self._turn(shown)
                pause = POLL_SECONDS
            except DatabaseUnreachableError as error:
                _log.info("live_feed_waits", cause=str(error))
                pause = AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001 - pages wait for whoever comes next
                _log.error("live_feed_failed", cause=cause(error))
                pause = AFTER_FAILURE_SECONDS

    def _wait(self, seconds: float) -> list[_Shown]:
        """What is read, after `seconds` or when a part is new; nobody reading ends the thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_news or not self._shown, seconds)
            self._has_news = False
            if not self._shown:
                self._thread = None
            return list(self._shown.values())

    def _turn(self, all_shown: list[_Shown]) -> None:
        signs = self._signs()
        for shown in all_shown:
            with self._changed:
                moving = shown.readers[0].moving if shown.readers else None
            if moving is None:
                continue
            try:
                self._look(shown, moving, signs)
            except DatabaseUnreachableError:
                raise
            except Exception as error:  # noqa: BLE001 - the other pages have done nothing wrong
                _log.error("live_part_failed", part=str(moving.key)[:200], cause=cause(error))

    def _look(self, shown: _Shown, moving: Moving, signs: str) -> None:
        now = self._clock.monotonic()
        signs += moving.signs()
        if signs == shown.signs and now - shown.at < REFRESH_SECONDS:
            return
        html = moving.render()
        with self._changed:
            shown.signs, shown.at = signs, now
            shown.mark, shown.event = mark_of(html), spell_part(html)
            for reader in shown.readers:
                reader.give(shown.mark, shown.event)
            rest = REST * (self._clock.monotonic() - now)
            self._changed.wait_for(lambda: self._is_ended, rest)


def mark_of(html: str) -> str:
    """Names a part by what it says, so that a page that shows it is sent nothing."""
    return hashlib.sha256(html.encode()).hexdigest()[:16]


def spell_part(html: str) -> bytes:
    """One event without a name, which htmx puts into the page."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"id: {mark_of(html)}\n{lines}\n".encode()
