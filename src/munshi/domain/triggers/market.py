"""Due by the market's own hours: around the open or the close, or on trading and expiry days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.expiries import ExpiryKind, expiry_on_or_after
from munshi.domain.market.sessions import Segment
from munshi.domain.triggers.times import at_times
from munshi.domain.triggers.trigger import counted, listed

# An offset never reaches farther, so that it is enough to begin looking a day early.
LONGEST_OFFSET = 720
_ONE_DAY = timedelta(days=1)
_SEGMENT_NAMES = {
    Segment.CASH: "shares and indices",
    Segment.CASH_CAS: "shares with F&O",
    Segment.FNO: "futures and options",
}


class MarketEvent(StrEnum):
    OPEN = "open"
    CLOSE = "close"


class MarketDays(StrEnum):
    TRADING = "trading"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTrigger:
    """Due `offset_minutes` after `event`, or else at the times `at` (`HH:MM` IST).

    The open is that of a day's first session, the close that of its last; special sessions and
    Muhurat count. Days whose hours nobody knows have neither. With `days` expiry only those on
    which contracts of `underlying` expire count.
    """

    kind: ClassVar[str] = "market"
    segment: Segment = Segment.CASH
    event: MarketEvent | None = None
    offset_minutes: int = 0
    at: tuple[str, ...] = ()
    days: MarketDays = MarketDays.TRADING
    underlying: str | None = None
    expiry: ExpiryKind = ExpiryKind.WEEKLY

    def due_after(self, instant: datetime, calendar: MarketCalendar) -> Iterator[datetime]:
        for day in self._days(instant.astimezone(IST).date() - _ONE_DAY, calendar):
            yield from (due for due in self._on(day, calendar) if due > instant)

    def _days(self, day: date, calendar: MarketCalendar) -> Iterator[date]:
        while True:
            if self.underlying is not None:
                day = expiry_on_or_after(self.underlying, day, kind=self.expiry, calendar=calendar)
            yield day
            day += _ONE_DAY

    def _on(self, day: date, calendar: MarketCalendar) -> Iterator[datetime]:
        sessions = calendar.sessions(day, self.segment)
        if not sessions:
            return
        if self.event is None:
            yield from at_times(day, self.at)
            return
        is_open = self.event is MarketEvent.OPEN
        moment = sessions[0].opens if is_open else sessions[-1].closes
        yield (moment + timedelta(minutes=self.offset_minutes)).astimezone(UTC)

    def describe(self) -> str:
        return f"{self._moment()} on {self._which_days()}"

    def _moment(self) -> str:
        if self.event is None:
            return f"at {listed(self.at)} IST"
        point = f"the {self.event} of {_SEGMENT_NAMES[self.segment]}"
        if not self.offset_minutes:
            return f"at {point}"
        side = "before" if self.offset_minutes < 0 else "after"
        return f"{counted(abs(self.offset_minutes), 'minute')} {side} {point}"

    def _which_days(self) -> str:
        if self.underlying is None:
            return "trading days"
        kind = "monthly " if self.expiry is ExpiryKind.MONTHLY else ""
        return f"{kind}expiry days of {self.underlying}"

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"kind": self.kind, "segment": str(self.segment)}
        if self.event is None:
            document["at"] = list(self.at)
        else:
            document |= {"event": str(self.event), "offset_minutes": self.offset_minutes}
        document["days"] = str(self.days)
        if self.underlying is not None:
            document |= {"underlying": self.underlying, "expiry": str(self.expiry)}
        return document
