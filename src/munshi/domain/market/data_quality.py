"""What is said of the candles of a series: why bars are missing, and what is wrong with others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from munshi.domain.market.candle_files import CandleKey

_EXAMPLES = 3


class Absence(StrEnum):
    """Why expected bars are missing: one reason for all of a day.

    The first six are what asking a broker came to, as `CandleGaps` keeps it.
    """

    NOTHING_RETURNED = "nothing_returned"
    PARTIAL = "partial"
    REFUSED = "refused"
    QUOTA = "quota"
    ERROR = "error"
    NOT_YET_TRADED = "not_yet_traded"
    FILE_DAMAGED = "file_damaged"
    NOT_ASKED = "not_asked"
    NOT_IMPORTED = "not_imported"


ABSENCE_WORDS = {
    Absence.NOTHING_RETURNED: "the broker returned nothing",
    Absence.PARTIAL: "the broker returned a part",
    Absence.REFUSED: "what the broker returned was refused",
    Absence.QUOTA: "the broker's quota was used up",
    Absence.ERROR: "asking the broker failed",
    Absence.NOT_YET_TRADED: "not yet traded",
    Absence.FILE_DAMAGED: "the file that held them cannot be read",
    Absence.NOT_ASKED: "the broker was never asked",
    Absence.NOT_IMPORTED: "no imported file had them",
}


class Flaw(StrEnum):
    """What can be wrong with bars that are held."""

    FILE_DAMAGED = "file_damaged"
    OUT_OF_ORDER = "out_of_order"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"
    INCOMPLETE = "incomplete"
    OUTSIDE_SESSION = "outside_session"
    OFF_GRID = "off_grid"
    FORMING = "forming"
    PRICE_NOT_POSITIVE = "price_not_positive"
    RANGE_WRONG = "range_wrong"
    COUNT_NEGATIVE = "count_negative"
    PRICE_OUTLIER = "price_outlier"
    VOLUME_LOST = "volume_lost"
    VOLUME_RESET = "volume_reset"
    SOURCES_DISAGREE = "sources_disagree"


FLAW_WORDS = {
    Flaw.FILE_DAMAGED: "in a file that is not what was stored",
    Flaw.OUT_OF_ORDER: "after a later bar",
    Flaw.REPEATED: "repeating another bar",
    Flaw.CONFLICTING: "contradicting another bar of the same time",
    Flaw.INCOMPLETE: "without a time, a price or a volume",
    Flaw.OUTSIDE_SESSION: "outside any trading session",
    Flaw.OFF_GRID: "not where a bar of this interval opens",
    Flaw.FORMING: "not closed yet",
    Flaw.PRICE_NOT_POSITIVE: "with a price that is not above zero",
    Flaw.RANGE_WRONG: "with open or close beyond high and low",
    Flaw.COUNT_NEGATIVE: "with a negative volume or open interest",
    Flaw.PRICE_OUTLIER: "with a price far from the bars before and after",
    Flaw.VOLUME_LOST: "without volume, where other days have it",
    Flaw.VOLUME_RESET: "with running totals of the day in place of volumes",
    Flaw.SOURCES_DISAGREE: "that another source has otherwise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Trading days in a row of which bars are missing for one reason.

    `days` counts trading days, `bars` what is missing of them.
    """

    reason: Absence
    first: date
    last: date
    days: int
    bars: int
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All bars of a stretch that have one flaw; `examples` are the first stamps, aware UTC."""

    flaw: Flaw
    bars: int
    days: tuple[date, ...]
    examples: tuple[datetime, ...] = ()
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """Every day of a stretch is one of these. `trading` ones have bars that have closed."""

    trading: int = 0
    whole: int = 0
    weekends: int = 0
    holidays: tuple[date, ...] = ()
    unknown_hours: int = 0
    to_come: int = 0

    def __add__(self, other: "DayCounts") -> "DayCounts":
        return DayCounts(
            trading=self.trading + other.trading,
            whole=self.whole + other.whole,
            weekends=self.weekends + other.weekends,
            holidays=self.holidays + other.holidays,
            unknown_hours=self.unknown_hours + other.unknown_hours,
            to_come=self.to_come + other.to_come,
        )

    @property
    def total(self) -> int:
        closed = self.weekends + len(self.holidays) + self.unknown_hours
        return self.trading + closed + self.to_come


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthQuality:
    """One month (`2024-03`, IST) of a series; expected = present + what `missing` adds up to.

    `first_day` and `last_day` are its trading days, None where it has none.
    """

    month: str
    first_day: date | None
    last_day: date | None
    expected: int
    present: int
    days: DayCounts
    missing: tuple[Missing, ...]
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        return not self.missing and not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuality:
    """One series from `first` to `last`, both included, month by month."""

    key: CandleKey
    label: str
    first: date
    last: date
    months: tuple[MonthQuality, ...]

    @property
    def name(self) -> str:
        return f"{self.key.exchange}:{self.key.instrument}"

    @property
    def expected(self) -> int:
        return sum(month.expected for month in self.months)

    @property
    def present(self) -> int:
        return sum(month.present for month in self.months)

    @property
    def days(self) -> DayCounts:
        return sum((month.days for month in self.months), DayCounts())

    @property
    def missing(self) -> tuple[Missing, ...]:
        """In order of their days; stretches that go on in the next month are told as one."""
        return tuple(_joined(self.months))

    @property
    def missing_by_reason(self) -> dict[Absence, int]:
        """Bars, by reason; together they are `expected - present`."""
        return add_up((one.reason, one.bars) for month in self.months for one in month.missing)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One for each flaw, over all months."""
        return tuple(gather(one for month in self.months for one in month.findings))


def add_up(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    """How much there is of each."""
    found: dict[Any, int] = {}
    for name, number in pairs:
        found[name] = found.get(name, 0) + number
    return found


def gather(findings: Iterable[Finding]) -> Iterator[Finding]:
    """One finding for each flaw, in the order in which flaws are declared."""
    order = list(Flaw)
    by_flaw = sorted(findings, key=lambda one: order.index(one.flaw))
    for flaw, group in groupby(by_flaw, key=lambda one: one.flaw):
        found = list(group)
        yield Finding(
            flaw=flaw,
            bars=sum(one.bars for one in found),
            days=tuple(sorted({day for one in found for day in one.days})),
            examples=tuple(stamp for one in found for stamp in one.examples)[:_EXAMPLES],
            detail="; ".join(dict.fromkeys(one.detail for one in found if one.detail)) or None,
        )


def _joined(months: Iterable[MonthQuality]) -> list[Missing]:
    found: list[Missing] = []
    edge: date | None = None
    for month in months:
        for one in month.missing:
            before = found[-1] if found else None
            if (
                before
                and before.last == edge
                and one.first == month.first_day
                and (before.reason, before.detail) == (one.reason, one.detail)
            ):
                found[-1] = replace(
                    before,
                    last=one.last,
                    days=before.days + one.days,
                    bars=before.bars + one.bars,
                )
                continue
            found.append(one)
        edge = month.last_day or edge
    return found
