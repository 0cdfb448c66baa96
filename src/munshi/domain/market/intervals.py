"""Bar intervals, in the one spelling that files, tables, jobs and commands share."""

from datetime import timedelta
from enum import StrEnum
from typing import Self

from munshi.errors import IntervalUnknownError


class Interval(StrEnum):
    """How long one bar lasts."""

    ONE_MINUTE = "1minute"
    THREE_MINUTES = "3minute"
    FIVE_MINUTES = "5minute"
    TEN_MINUTES = "10minute"
    FIFTEEN_MINUTES = "15minute"
    THIRTY_MINUTES = "30minute"
    ONE_HOUR = "60minute"
    ONE_DAY = "1day"

    @property
    def minutes(self) -> int | None:
        """Minutes of a full bar; None for the daily bar, which lasts as long as its sessions."""
        return None if self.is_daily else int(self.value.removesuffix("minute"))

    @property
    def is_daily(self) -> bool:
        return self is Interval.ONE_DAY

    @property
    def span(self) -> timedelta:
        """The distance between a bar's stamp and the earliest stamp the next bar can carry."""
        return timedelta(days=1) if self.is_daily else timedelta(minutes=self.minutes or 0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the spellings people and brokers use: `5m`, `5min`, `minute`, `1h`, `day`.

        Raises IntervalUnknownError, which lists the intervals there are.
        """
        wanted = text.strip().lower().replace(" ", "").replace("-", "").replace("_", "")
        for interval in cls:
            if wanted in _spellings(interval):
                return interval
        known = ", ".join(cls)
        raise IntervalUnknownError(
            f"There is no bar interval {text.strip()!r}.", hint=f"Use one of: {known}."
        )


def _spellings(interval: Interval) -> set[str]:
    if interval.is_daily:
        return {"1day", "day", "daily", "d", "1d", "days"}
    count = interval.minutes
    found = {f"{count}{unit}" for unit in ("minute", "minutes", "min", "mins", "m")}
    if interval is Interval.ONE_MINUTE:
        found |= {"minute", "min", "m"}
    if interval is Interval.ONE_HOUR:
        found |= {"hour", "1hour", "hourly", "1h", "h"}
    return found
