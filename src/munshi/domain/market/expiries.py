"""When index and stock contracts expire: dated weekday rules, shifted off holidays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.packaged_data import rows
from munshi.errors import DateRangeInvalidError, MarketFactUnknownError

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_ONE_DAY = timedelta(days=1)
_ONE_WEEK = timedelta(weeks=1)
# No exchange has been closed for longer, so no later nominal day can move back into a range.
_LONGEST_CLOSURE = timedelta(days=4)
_LONGEST_WAIT = timedelta(days=62)


class ExpiryKind(StrEnum):
    """`weekly` is every expiry of a weekly cycle; once a month that is the monthly one."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRule:
    """Contracts whose nominal expiry lies from `first` to `last` (None: open) expire on `weekday`.

    The nominal day is the one before holidays are looked at; `weekday` counts from Monday, 0.
    """

    kind: ExpiryKind
    weekday: int
    first: date
    last: date | None

    def covers(self, nominal: date) -> bool:
        return self.first <= nominal and (self.last is None or nominal <= self.last)


def expiry_on_or_after(
    underlying: str, day: date, *, kind: ExpiryKind, calendar: MarketCalendar
) -> date:
    """The expiry that contracts bought on `day` run to, at the earliest.

    Shares go by the name STOCKS. The rules say what was listed; on a live desk the expiries in
    the instrument list are the law. Raises MarketFactUnknownError where the underlying has no
    such contracts, CalendarYearUnknownError.
    """
    for nominal in _nominal_days(underlying, kind, start=day, end=day + _LONGEST_WAIT):
        expiry = _shifted(nominal, calendar)
        if expiry >= day:
            return expiry
    raise MarketFactUnknownError(
        f"{underlying} has no {kind} expiry on or after {day}.",
        hint="Take the expiries from the broker's instrument list.",
    )


def expiries_between(
    underlying: str, start: date, end: date, *, kind: ExpiryKind, calendar: MarketCalendar
) -> list[date]:
    """Every expiry from `start` to `end`, both included, in order. Raises as its sibling does."""
    if end < start:
        raise DateRangeInvalidError(f"The range ends on {end}, before it starts on {start}.")
    nominal = _nominal_days(underlying, kind, start=start, end=end + _LONGEST_CLOSURE)
    shifted = (_shifted(day, calendar) for day in nominal)
    return [expiry for expiry in shifted if start <= expiry <= end]


@cache
def known_underlyings() -> tuple[str, ...]:
    """Whose expiry rules are known, in the order of the table."""
    return tuple(dict.fromkeys(str(row["underlying"]) for row in rows("expiry_weekdays")))


def is_monthly_expiry(underlying: str, day: date, *, calendar: MarketCalendar) -> bool:
    return day in expiries_between(underlying, day, day, kind=ExpiryKind.MONTHLY, calendar=calendar)


def _shifted(nominal: date, calendar: MarketCalendar) -> date:
    """A contract that would expire on a holiday expires on the settlement day before it."""
    while not calendar.is_settlement_day(nominal):
        nominal -= _ONE_DAY
    return nominal


def _nominal_days(underlying: str, kind: ExpiryKind, *, start: date, end: date) -> Iterator[date]:
    """Nominal expiries from `start` to `end` in order, one a week at most.

    In the week of the monthly expiry no other weekly contract is listed, even where the two had
    different weekdays (Bank Nifty, September 2023 to February 2024).
    """
    rules = _rules(underlying)
    monday = start - timedelta(days=start.weekday())
    while monday <= end:
        weekly = _in_week(monday, rules, kind=ExpiryKind.WEEKLY)
        monthly = [day for day in _in_week(monday, rules, kind=ExpiryKind.MONTHLY) if _is_last(day)]
        listed = monthly if kind is ExpiryKind.MONTHLY else weekly and (monthly or weekly)
        yield from (nominal for nominal in listed if start <= nominal <= end)
        monday += _ONE_WEEK


def _in_week(monday: date, rules: tuple[ExpiryRule, ...], *, kind: ExpiryKind) -> list[date]:
    nominal = [(rule, monday + timedelta(days=rule.weekday)) for rule in rules if rule.kind is kind]
    return [day for rule, day in nominal if rule.covers(day)]


def _is_last(day: date) -> bool:
    """Whether no later day of the month has this weekday."""
    return (day + _ONE_WEEK).month != day.month


@cache
def _rules(underlying: str) -> tuple[ExpiryRule, ...]:
    found = tuple(
        ExpiryRule(
            kind=ExpiryKind(str(row["kind"])),
            weekday=_WEEKDAYS.index(str(row["weekday"])),
            first=date.fromisoformat(str(row["first"])),
            last=date.fromisoformat(str(row["last"])) if row["last"] else None,
        )
        for row in rows("expiry_weekdays")
        if row["underlying"] == underlying
    )
    if not found:
        known = ", ".join(known_underlyings())
        raise MarketFactUnknownError(
            f"No expiry rules are known for {underlying!r}.", hint=f"There are rules for {known}."
        )
    return found
