"""SQL for SignInThrottle: how often sign-ins failed, and when the next may be tried."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.infrastructure.database.models import sign_in_throttle

_rows = sign_in_throttle.c
_this = _rows.subject == bindparam("key")
_GET = (
    select(_rows.failures, _rows.next_at)
    .where(_this)
    .with_for_update()
    .with_hint(sign_in_throttle, "WITH (UPDLOCK)", "mssql")
)
_INSERT = insert(sign_in_throttle)
_UPDATE = (
    update(sign_in_throttle)
    .where(_this)
    .values(failures=bindparam("count"), next_at=bindparam("until"), updated_at=bindparam("now"))
)
_FORGET = delete(sign_in_throttle).where(_this)
_FORGET_OLD = delete(sign_in_throttle).where(_rows.updated_at < bindparam("before"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How many in a row, and when the next attempt may be made."""

    count: int
    next_at: datetime


class ThrottleRepository:
    """Counts by the keyed hash of whom or where they are about."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_failures(self, subject: bytes, *, now: datetime) -> Failures:
        """Locked until the commit, so that attempts at one moment are counted one by one.

        Whoever locks several takes them in the order of their bytes, or two could wait for each
        other.
        """
        row = self._connection.execute(_GET, {"key": subject}).one_or_none()
        if row is None:
            self._begin_counting(subject, now=now)
            row = self._connection.execute(_GET, {"key": subject}).one()
        return Failures(count=row.failures, next_at=row.next_at)

    def _begin_counting(self, subject: bytes, *, now: datetime) -> None:
        row = {"subject": subject, "failures": 0, "next_at": now, "updated_at": now}
        with suppress(IntegrityError), self._connection.begin_nested():  # somebody was faster
            self._connection.execute(_INSERT, row)

    def save_failures(self, subject: bytes, found: Failures, *, now: datetime) -> None:
        values = {"count": found.count, "until": found.next_at, "now": now}
        self._connection.execute(_UPDATE, {"key": subject, **values})

    def forget(self, subject: bytes) -> None:
        self._connection.execute(_FORGET, {"key": subject})

    def forget_before(self, before: datetime) -> None:
        self._connection.execute(_FORGET_OLD, {"before": before})
