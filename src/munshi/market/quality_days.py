"""The days of a stretch: what each of them is, and why bars of it are missing."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.data_quality import Absence, DayCounts, Missing
from munshi.market.gaps import HeldDay

_SATURDAY = 5


def missing_stretches(
    days: Sequence[HeldDay], *, is_readable: bool, is_imported: bool
) -> Iterator[Missing]:
    """Trading days in a row that lack bars for the same reason, told as one.

    Each day has one reason. `is_readable` is not set where the file that held the days is broken;
    of a series that `is_imported` nobody can be asked.
    """

    def cause(day: HeldDay) -> tuple[Absence | None, str | None]:
        if day.is_complete:
            return None, None
        if not is_readable:
            return Absence.FILE_DAMAGED, None
        if day.reason is not None:
            return Absence(day.reason.value), day.seen.gap.detail if day.seen else None
        return Absence.NOT_IMPORTED if is_imported else Absence.NOT_ASKED, None

    for (reason, detail), group in groupby(days, key=cause):
        found = list(group)
        if reason is not None:
            yield Missing(
                reason=reason,
                first=found[0].day,
                last=found[-1].day,
                days=len(found),
                bars=sum(day.expected - day.present for day in found),
                detail=detail,
            )


def count_days(
    first: date,
    last: date,
    trading: Sequence[HeldDay],
    calendar: MarketCalendar,
    *,
    today: date,
) -> DayCounts:
    """What each day from `first` to `last` is; `trading` has those with bars that have closed."""
    known = {day.day for day in trading}
    counts = DayCounts(trading=len(trading), whole=sum(day.is_complete for day in trading))
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day in known:
            continue
        if calendar.has_unknown_hours(day):
            counts += DayCounts(unknown_hours=1)
        elif calendar.is_trading_day(day) and day >= today:
            counts += DayCounts(to_come=1)
        elif day.weekday() >= _SATURDAY:
            counts += DayCounts(weekends=1)
        else:
            counts += DayCounts(holidays=(day,))
    return counts
