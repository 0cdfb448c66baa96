"""Reads the audit trail, newest first, a page at a time."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import Clock
from munshi.domain.audit import AuditEntry
from munshi.errors import CursorInvalidError, RequestInvalidError
from munshi.infrastructure.database.audit_repository import AuditFilter
from munshi.infrastructure.database.engine import Database

LARGEST_PAGE = 500
_CURSOR = "audit:"
_LARGEST_POSITION = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows, and where the next older ones begin; None at the end."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None


class AuditService:
    """What was done, by whom, to what. There is nothing here that changes it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(
        self,
        *,
        entity_type: str | None = None,
        entity_id: str | None = None,
        user_id: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> AuditPage:
        """Rows that match all that is given, from `since` up to but not including `until`.

        `cursor` is the `next_cursor` of the page before. Raises CursorInvalidError, and
        RequestInvalidError for a limit out of range.
        """
        if not 1 <= limit <= LARGEST_PAGE:
            raise RequestInvalidError(f"limit must be from 1 to {LARGEST_PAGE}, not {limit}.")
        chosen = AuditFilter(
            entity_type=entity_type,
            entity_id=entity_id,
            user_id=user_id,
            action=action,
            since=since,
            until=until,
            before=None if cursor is None else _position(cursor),
        )
        with self._database.reading() as tx:
            found = tx.audit.list_logs(chosen, limit=limit + 1)
        entries = tuple(found[:limit])
        more = len(found) > limit
        return AuditPage(
            entries=entries, next_cursor=_cursor(entries[-1].audit_id) if more else None
        )


def _cursor(audit_id: int) -> str:
    return base64.urlsafe_b64encode(f"{_CURSOR}{audit_id}".encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        position = int(text.removeprefix(_CURSOR))
    except (ValueError, binascii.Error):
        position = 0
    if not 1 <= position <= _LARGEST_POSITION or _cursor(position) != cursor:
        raise CursorInvalidError(
            "The page cursor is not one of ours.",
            hint="Use next_cursor of the page before as it stands.",
        )
    return position
