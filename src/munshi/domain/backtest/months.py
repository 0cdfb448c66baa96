"""What a curve of equity gained month by month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthReturn:
    """`share` is that of the equity at the month's beginning; None where there was nothing left."""

    year: int
    month: int
    gained: int
    share: float | None


def monthly_returns(capital: int, daily: Iterable[tuple[date, int]]) -> list[MonthReturn]:
    """`daily` is each day's last equity in paise, in order; the first month begins at `capital`."""
    ends: dict[tuple[int, int], int] = {(day.year, day.month): equity for day, equity in daily}
    return _returns(capital, ends.items())


def yearly_returns(capital: int, daily: Iterable[tuple[date, int]]) -> dict[int, float | None]:
    """The same of years."""
    ends: dict[tuple[int, int], int] = {(day.year, 12): equity for day, equity in daily}
    return {each.year: each.share for each in _returns(capital, ends.items())}


def _returns(capital: int, ends: Iterable[tuple[tuple[int, int], int]]) -> list[MonthReturn]:
    found = []
    before = capital
    for (year, month), equity in ends:
        found.append(
            MonthReturn(
                year=year,
                month=month,
                gained=equity - before,
                share=(equity - before) / before if before > 0 else None,
            )
        )
        before = equity
    return found
