"""SQL for ApiRateLimits: calls by minute, and what they add up to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.quotas import day_ist
from munshi.domain.rate_calls import CallCount, DayUse
from munshi.infrastructure.database.models import api_rate_limits
from munshi.infrastructure.database.rate_pool_repository import split_name
from munshi.settings import BrokerMode

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
_calls = api_rate_limits.c

_OURS = and_(_calls.mode == bindparam("in_mode"), _calls.account == bindparam("of_account"))
_ADD = insert(api_rate_limits)
_MORE = (
    update(api_rate_limits)
    .where(
        _OURS,
        _calls.api_name == bindparam("api"),
        _calls.endpoint == bindparam("end"),
        _calls.window_start == bindparam("start"),
        _calls.window_end == bindparam("stop"),
    )
    .values(
        request_count=_calls.request_count + bindparam("more"),
        refusals=_calls.refusals + bindparam("refused"),
        waits=_calls.waits + bindparam("waited"),
        waited_seconds=_calls.waited_seconds + bindparam("seconds"),
        limit=bindparam("allowed"),
    )
)
# A window's length tells minutes from days; no database takes it the same way, so it is done here.
_BETWEEN = (
    select(api_rate_limits)
    .where(_OURS, _calls.window_end > bindparam("after"), _calls.window_end <= bindparam("until"))
    .order_by(_calls.window_end)
)
_OLD = (
    select(_calls.id, _calls.window_start, _calls.window_end)
    .where(_calls.id > bindparam("after"), _calls.window_end < bindparam("before"))
    .order_by(_calls.id)
    .limit(bindparam("most"))
)
_DELETE = delete(api_rate_limits).where(_calls.id == bindparam("row"))


class RateCallRepository:
    """Counts calls and adds them up, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_calls(
        self, counts: Sequence[CallCount], *, mode: BrokerMode, account: str = "main"
    ) -> None:
        """Add `counts` to what their minutes have."""
        for count in counts:
            if not self._add_to(count, mode, account):
                self._begin(count, mode, account)

    def list_calls(
        self, *, since: datetime, until: datetime, mode: BrokerMode, account: str = "main"
    ) -> tuple[list[CallCount], list[DayUse]]:
        """Minutes and days that ended after `since` and not after `until`, in order."""
        values = {
            "in_mode": mode.value,
            "of_account": account,
            "after": since,
            "until": until,
        }
        minutes: list[CallCount] = []
        days: list[DayUse] = []
        for row in self._connection.execute(_BETWEEN, values):
            if _is_minute(row.window_start, row.window_end):
                minutes.append(_minute(row))
            else:
                days.append(_day(row))
        return minutes, days

    def cleanup_calls(
        self, *, after: int, minutes_before: datetime, days_before: datetime, most: int = 2000
    ) -> tuple[int, int | None]:
        """Delete windows that ended before then, of the next `most` rows behind row `after`.

        How many were deleted, and the row to go on behind; None at the end.
        """
        values = {"after": after, "before": minutes_before, "most": most}
        rows = self._connection.execute(_OLD, values).all()
        gone = [
            {"row": row.id}
            for row in rows
            if _is_minute(row.window_start, row.window_end) or row.window_end < days_before
        ]
        if gone:
            self._connection.execute(_DELETE, gone)
        return len(gone), rows[-1].id if len(rows) == most else None

    def _add_to(self, count: CallCount, mode: BrokerMode, account: str) -> bool:
        api, endpoint = split_name(count.name)
        values = {
            "in_mode": mode.value,
            "of_account": account,
            "api": api,
            "end": endpoint,
            "start": count.minute,
            "stop": count.minute + MINUTE,
            "more": count.requests,
            "refused": count.refusals,
            "waited": count.waits,
            "seconds": count.waited_seconds,
            "allowed": count.limit,
        }
        return self._connection.execute(_MORE, values).rowcount > 0

    def _begin(self, count: CallCount, mode: BrokerMode, account: str) -> None:
        api, endpoint = split_name(count.name)
        values = {
            "mode": mode.value,
            "account": account,
            "api_name": api,
            "endpoint": endpoint,
            "window_start": count.minute,
            "window_end": count.minute + MINUTE,
            "request_count": count.requests,
            "refusals": count.refusals,
            "waits": count.waits,
            "waited_seconds": count.waited_seconds,
            "limit": count.limit,
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(_ADD, values)
        except IntegrityError:
            if not self._add_to(count, mode, account):  # another process began this minute
                raise


def _is_minute(start: datetime, end: datetime) -> bool:
    return end - start < DAY


def _minute(row: Row[Any]) -> CallCount:
    return CallCount(
        f"{row.api_name}.{row.endpoint}",
        row.window_start,
        row.request_count,
        row.refusals,
        row.waits,
        row.waited_seconds,
        row.limit,
    )


def _day(row: Row[Any]) -> DayUse:
    return DayUse(
        name=f"{row.api_name}.{row.endpoint}",
        day=day_ist(row.window_start),
        requests=row.request_count,
        limit=row.limit,
    )
