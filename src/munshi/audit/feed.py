"""The audit trail as it grows, for any number of readers: one thread looks for them all."""

from collections import deque
from collections.abc import Callable

import structlog

from munshi.audit.service import AuditNews, AuditQuery, AuditService
from munshi.errors import DatabaseUnreachableError
from munshi.infrastructure.causes import cause
from munshi.infrastructure.database.audit_queries import AuditPlace
from munshi.infrastructure.feed import Feed

POLL_SECONDS = 0.5
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


class AuditFeed(Feed[AuditReader]):
    """Reads for its readers twice a second."""

    thread_name = "audit-feed"
    after_failure_seconds = 2.0

    def __init__(self, audit: AuditService) -> None:
        super().__init__()
        self._audit = audit

    def subscribe(
        self, query: AuditQuery, place: AuditPlace, *, wake: Callable[[], None]
    ) -> AuditReader:
        """A reader from `place` on; `wake` is called from another thread when something came."""
        reader = AuditReader(query, place, wake=wake)
        self._join(reader)
        return reader

    def _turn(self, readers: list[AuditReader]) -> float:
        for reader in readers:
            if reader.has_room:
                self._serve(reader)
        return POLL_SECONDS

    def _serve(self, reader: AuditReader) -> None:
        try:
            news = self._audit.since(reader.place, reader.query, limit=CAPACITY)
        except DatabaseUnreachableError:
            raise
        except Exception as error:  # noqa: BLE001 - the others read on
            _log.error("audit_feed_failed", cause=cause(error))
            self.unsubscribe(reader)
            reader.end()
        else:
            reader.give(news)
