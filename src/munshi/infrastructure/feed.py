"""One thread that looks for all who read something, for as long as anybody does."""

import threading
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Protocol, TypeVar

import structlog

from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.causes import cause

_log = structlog.get_logger(__name__)


class Reading(Protocol):
    """One reader's share, which can be told that nothing more comes."""

    def end(self) -> None: ...


_Reader = TypeVar("_Reader", bound=Reading)


class Feed(ABC, Generic[_Reader]):
    """No reader holds a thread or a connection. Whoever subscribes unsubscribes."""

    thread_name: ClassVar[str]
    after_failure_seconds: ClassVar[float]

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers: list[_Reader] = []
        self._thread: threading.Thread | None = None
        self._has_news = False
        self._is_ended = False

    @property
    def readers(self) -> int:
        with self._changed:
            return len(self._readers)

    def unsubscribe(self, reader: _Reader) -> None:
        with self._changed:
            if reader in self._readers:
                self._readers.remove(reader)
                self._changed.notify()

    def end(self) -> None:
        """Every reader, and every later one, is told that nothing more comes; never waits."""
        with self._changed:
            self._is_ended = True
            readers, self._readers = self._readers, []
            self._changed.notify()
        for reader in readers:
            reader.end()

    def close(self) -> None:
        """`end`, and the thread is gone."""
        self.end()
        thread = self._thread
        if thread is not None:
            thread.join()

    @abstractmethod
    def _turn(self, readers: list[_Reader]) -> float:
        """Look once for all of them; after how many seconds to look again."""

    def _join(self, reader: _Reader) -> None:
        """Look for `reader` from now on, and at once."""
        with self._changed:
            if self._is_ended:
                reader.end()
                return
            self._readers.append(reader)
            self._has_news = True
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=self.thread_name, daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        pause = 0.0
        while readers := self._wait(pause):
            try:
                pause = self._turn(readers)
            except DatabaseUnreachableError as error:
                _log.info("feed_waits", feed=self.thread_name, cause=str(error))
                pause = self.after_failure_seconds
            except Exception as error:  # noqa: BLE001 - readers wait for whoever comes next
                _log.error("feed_failed", feed=self.thread_name, cause=cause(error))
                pause = self.after_failure_seconds

    def _wait(self, seconds: float) -> list[_Reader]:
        """Who reads, after `seconds` or as soon as somebody new does; nobody ends the thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_news or not self._readers, seconds)
            self._has_news = False
            if not self._readers:
                self._thread = None
            return list(self._readers)
