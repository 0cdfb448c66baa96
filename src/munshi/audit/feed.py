"""The audit trail as it grows, for any number of readers: one thread looks for them all."""

import threading
from collections import deque
from collections.abc import Callable

import structlog

from munshi.audit.service import AuditNews, AuditQuery, AuditService
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.database.audit_queries import AuditPlace

POLL_SECONDS = 0.5
AFTER_FAILURE_SECONDS = 2.0
CAPACITY = 200
_log = structlog.get_logger(__name__)


class AuditReader:
    """One reader's share: it holds so much at most, and while it is full nothing is read for it."""

    def __init__(self, query: AuditQuery, place: AuditPlace, *, wake: Callable[[], None]) -> None:
        self.query = query
        self.place = place
        self._wake = wake
        self._waiting: deque[AuditNews] = deque()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Nothing will come after what `take` returns next."""
        return self._is_over

    @property
    def has_room(self) -> bool:
        return not self._waiting

    def take(self) -> list[AuditNews]:
        """What has come since, in order; never waits. Look at `is_over` first."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def give(self, news: AuditNews) -> None:
        self.place = news.place
        if news.entries:
            self._waiting.append(news)
            self._wake()

    def end(self) -> None:
        self._is_over = True
        self._wake()


class AuditFeed:
    """Reads for its readers twice a second; its thread lives as long as somebody reads."""

    def __init__(self, audit: AuditService) -> None:
        self._audit = audit
        self._changed = threading.Condition()
        self._readers: list[AuditReader] = []
        self._thread: threading.Thread | None = None
        self._is_ended = False
        self._has_news = False

    def subscribe(
        self, query: AuditQuery, place: AuditPlace, *, wake: Callable[[], None]
    ) -> AuditReader:
        """A reader from `place` on; `wake` is called from another thread when something came."""
        reader = AuditReader(query, place, wake=wake)
        with self._changed:
            if self._is_ended:
                reader.end()
                return reader
            self._readers.append(reader)
            self._has_news = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit-feed", daemon=True)
                self._thread.start()
            self._changed.notify()
        return reader

    def unsubscribe(self, reader: AuditReader) -> None:
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

    def _run(self) -> None:
        pause = 0.0
        while readers := self._wait(pause):
            pause = POLL_SECONDS
            try:
                for reader in readers:
                    if reader.has_room:
                        self._serve(reader)
            except DatabaseUnreachableError as error:
                _log.info("audit_feed_waits", cause=str(error))
                pause = AFTER_FAILURE_SECONDS

    def _serve(self, reader: AuditReader) -> None:
        try:
            news = self._audit.since(reader.place, reader.query, limit=CAPACITY)
        except DatabaseUnreachableError:
            raise
        except Exception as error:  # noqa: BLE001 - the others read on
            _log.error("audit_feed_failed", cause=type(error).__name__)
            self.unsubscribe(reader)
            reader.end()
        else:
            reader.give(news)

    def _wait(self, seconds: float) -> list[AuditReader]:
        """Who reads, after `seconds` or as soon as somebody new does; nobody ends the thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_news or not self._readers, seconds)
            self._has_news = False
            if not self._readers:
                self._thread = None
            return list(self._readers)
