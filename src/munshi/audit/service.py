"""Reads the audit trail: a page at a time, as it grows, and all of it in order."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack, cast

from munshi.clock import Clock
from munshi.domain.audit import Actor, AuditEntry
from munshi.errors import (
    AuditRowUnknownError,
    CursorInvalidError,
    DateRangeInvalidError,
    RequestInvalidError,
)
from munshi.infrastructure.database.audit_queries import AuditFilter, AuditPlace
from munshi.infrastructure.database.engine import Database

LARGEST_PAGE = 500
EXPORT_PAGE = 2000
_CURSOR = "audit:"
_LARGEST_POSITION = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Asked(TypedDict, total=False):
    """The fields of AuditQuery as keywords."""

    entity_type: str | None
    entity_id: str | None
    user_id: str | None
    action: str | None
    request_id: str | None
    job_id: str | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What may be asked for; None means any. `since` is in, `until` is not."""

    entity_type: str | None = None
    entity_id: str | None = None
    user_id: str | None = None
    action: str | None = None
    request_id: str | None = None
    job_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def check(self) -> None:
        """Raises DateRangeInvalidError."""
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise DateRangeInvalidError(
                "The time range ends before it begins.", hint="Swap since and until."
            )

    def filter(self) -> AuditFilter:
        return AuditFilter(**asdict(self))

    def asked(self) -> Asked:
        """As keywords."""
        return cast("Asked", asdict(self))

    def given(self) -> dict[str, Any]:
        """What was asked for, without what was left open."""
        return {name: value for name, value in asdict(self).items() if value is not None}


EVERYTHING = AuditQuery()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows, and where the next older ones begin; None at the end."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNews:
    """What came since a place, oldest first, and the place behind it."""

    entries: tuple[AuditEntry, ...]
    place: AuditPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditExport:
    """All rows of a query as they were when it was begun: how many, and one by one."""

    rows: int
    entries: Iterator[AuditEntry]


class AuditService:
    """What was done, by whom, to what. There is nothing here that changes it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(
        self, *, cursor: str | None = None, limit: int = 50, **asked: Unpack[Asked]
    ) -> AuditPage:
        """Rows that match all that is asked for, newest first.

        `cursor` is the `next_cursor` of the page before. Every row that was there when the first
        page was read is on exactly one page; a row that commits later may only be seen by who
        begins anew, or follows. Raises CursorInvalidError, DateRangeInvalidError, and
        RequestInvalidError for a limit out of range.
        """
        _check_limit(limit)
        query = AuditQuery(**asked)
        query.check()
        chosen = query.filter()
        if cursor is not None:
            chosen = replace(chosen, before=_position(cursor))
        with self._database.reading() as tx:
            found = tx.audit.list_logs(chosen, limit=limit + 1)
        entries = tuple(found[:limit])
        more = len(found) > limit
        return AuditPage(entries=entries, next_cursor=_cursor(entries[-1]) if more else None)

    def get(self, audit_id: int) -> AuditEntry:
        """One row of the table. Raises AuditRowUnknownError for one that is archived, too."""
        found = None
        if 0 < audit_id <= _LARGEST_POSITION:
            with self._database.reading() as tx:
                found = tx.audit.get_log(audit_id)
        if found is None:
            raise AuditRowUnknownError(
                f"There is no audit row {str(audit_id)[:20]} in the table.",
                hint="An old one may be in an archive: munshi audit archives",
            )
        return found

    def last(self, query: AuditQuery = EVERYTHING, *, limit: int) -> AuditNews:
        """The newest rows, oldest first, and the place behind all that is there.

        Raises as `page` does; a limit of 0 asks for the place alone.
        """
        if limit:
            _check_limit(limit)
        query.check()
        with self._database.reading() as tx:
            found = tx.audit.list_logs(query.filter(), limit=limit) if limit else []
            return AuditNews(entries=tuple(reversed(found)), place=tx.audit.get_place())

    def since(
        self, place: AuditPlace, query: AuditQuery = EVERYTHING, *, limit: int = LARGEST_PAGE
    ) -> AuditNews:
        """What has committed since `place`, none left out and none twice; more if `limit` came."""
        with self._database.reading() as tx:
            entries, there = tx.audit.list_since(place, query.filter(), limit=limit)
        return AuditNews(entries=tuple(entries), place=there)

    def begin_export(
        self, query: AuditQuery = EVERYTHING, *, way: str, actor: Actor
    ) -> AuditExport:
        """Audit that the trail is taken out, `way` telling how; then its rows, oldest first.

        Rows are read some thousands at a time, each in a short transaction; none that is newer
        than this call is among them. Raises DateRangeInvalidError.
        """
        query.check()
        now = self._clock.now()
        asked = query.given()
        until = min(query.until, now) if query.until else now
        chosen = replace(query.filter(), until=until)
        with self._database.reading() as tx:
            rows = tx.audit.count_logs(chosen)
        with self._database.transaction() as tx:
            tx.audit.log(
                "audit",
                "export",
                new_value={"way": way, "rows": rows, "asked": asked},
                actor=actor,
                now=now,
            )
        return AuditExport(rows=rows, entries=self._walk(chosen))

    def _walk(self, chosen: AuditFilter) -> Iterator[AuditEntry]:
        while True:
            with self._database.reading() as tx:
                found = tx.audit.list_logs(chosen, limit=EXPORT_PAGE, oldest_first=True)
            yield from found
            if len(found) < EXPORT_PAGE:
                return
            chosen = replace(chosen, after=(found[-1].timestamp, found[-1].audit_id))


def read_place(text: str) -> AuditPlace:
    """The place that `AuditPlace.to_text` says. Raises CursorInvalidError."""
    try:
        return AuditPlace.from_text(text)
    except ValueError:
        raise _foreign() from None


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_PAGE:
        raise RequestInvalidError(f"limit must be from 1 to {LARGEST_PAGE}, not {limit}.")


def _cursor(entry: AuditEntry) -> str:
    return _spell((entry.timestamp - _EPOCH) // _MICROSECOND, entry.audit_id)


def _spell(microseconds: int, audit_id: int) -> str:
    text = f"{_CURSOR}{microseconds}:{audit_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[datetime, int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        microseconds, audit_id = map(int, text.removeprefix(_CURSOR).split(":"))
        at = _EPOCH + microseconds * _MICROSECOND
    except (ValueError, OverflowError, binascii.Error):
        raise _foreign() from None
    if not 1 <= audit_id <= _LARGEST_POSITION or _spell(microseconds, audit_id) != cursor:
        raise _foreign()
    return at, audit_id


def _foreign() -> CursorInvalidError:
    return CursorInvalidError(
        "The page cursor is not one of ours.",
        hint="Use next_cursor of the page before as it stands.",
    )
