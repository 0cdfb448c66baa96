"""Which candles are taken into the books, which are refused and why, and which are missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

import polars as pl

from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import COLUMNS
from munshi.market.session_bars import expected_bars, ist_day, place_bars

_EXAMPLES = 3
_VALUES = COLUMNS[1:]
_REQUIRED = ("opens", "open", "high", "low", "close", "volume")


class Reason(StrEnum):
    """Why a candle was refused; the first that holds counts."""

    INCOMPLETE = "without a time, a price or a volume"
    OUTSIDE_SESSION = "outside any trading session"
    OFF_GRID = "not where a bar of this interval opens"
    FORMING = "not closed yet"
    PRICE_NOT_POSITIVE = "with a price that is not above zero"
    RANGE_WRONG = "with open or close beyond high and low"
    COUNT_NEGATIVE = "with a negative volume or open interest"
    CONFLICTING = "contradicting another row of the same time"
    REPEATED = "repeating another row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """All rows refused for one reason; `examples` are the first stamps."""

    reason: Reason
    rows: int
    days: tuple[date, ...]
    examples: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A frame judged. `accepted` is in order, each stamp once; `refused` has a `reason` more.

    `out_of_order` rows came after a later one; that alone is no reason to refuse them.
    """

    accepted: pl.DataFrame
    refused: pl.DataFrame
    refusals: tuple[Refusal, ...]
    out_of_order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars missing in a row within one day; `first` and `last` are their stamps."""

    first: datetime
    last: datetime
    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCoverage:
    """How many of a trading day's closed bars are there."""

    day: date
    expected: int
    present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a range of days holds: every trading day, and the gaps of those partly there."""

    days: tuple[DayCoverage, ...]
    gaps: tuple[Gap, ...]

    @property
    def expected(self) -> int:
        return sum(day.expected for day in self.days)

    @property
    def present(self) -> int:
        return sum(day.present for day in self.days)

    @property
    def missing_days(self) -> tuple[date, ...]:
        """Trading days of which nothing is there."""
        return tuple(day.day for day in self.days if not day.present)


def validate(
    frame: pl.DataFrame,
    *,
    interval: Interval,
    segment: Segment,
    calendar: MarketCalendar,
    now: datetime,
) -> Quality:
    """Sort candles into those that can be stored and those that cannot, by `Reason`.

    Of rows that say the same one is taken; of rows that contradict each other none, because
    nobody can tell which is right. `now` decides what is still forming. Raises
    CalendarYearUnknownError.
    """
    placed = place_bars(
        frame.filter(pl.col("opens").is_not_null()),
        interval=interval,
        segment=segment,
        calendar=calendar,
    )
    judged = _judge_twins(placed.with_columns(reason=_reason_alone(now)))
    unstamped = frame.filter(pl.col("opens").is_null()).with_columns(
        reason=pl.lit(Reason.INCOMPLETE.value)
    )
    columns = [*frame.columns, "reason"]
    refused = judged.filter(pl.col("reason").is_not_null()).select(columns)
    refused = pl.concat([refused, unstamped])
    return Quality(
        accepted=judged.filter(pl.col("reason").is_null()).select(frame.columns),
        refused=refused,
        refusals=_summary(refused),
        out_of_order=frame.select((pl.col("opens") < pl.col("opens").cum_max()).sum()).item(),
    )


def coverage(
    frame: pl.DataFrame,
    *,
    start: date,
    end: date,
    interval: Interval,
    segment: Segment,
    calendar: MarketCalendar,
    now: datetime,
) -> Coverage:
    """Compare accepted candles with what the calendar expects from `start` to `end`, inclusive.

    Only bars closed by `now` are expected; a day without any is not listed. Raises
    CalendarYearUnknownError, DateRangeInvalidError.
    """
    days = calendar.trading_days(start, end)
    return compare(
        frame,
        expected_bars(days, interval=interval, segment=segment, calendar=calendar, now=now),
    )


def together(parts: Iterable[Coverage]) -> Coverage:
    """That of days after days, of which no part has any that another has."""
    days: list[DayCoverage] = []
    gaps: list[Gap] = []
    for part in parts:
        days += part.days
        gaps += part.gaps
    return Coverage(days=tuple(days), gaps=tuple(gaps))


def compare(frame: pl.DataFrame, expected: pl.DataFrame) -> Coverage:
    """As `coverage`, with the `day` and `opens` of the bars that are expected."""
    bars = expected.join(
        frame.select("opens", here=pl.lit(value=True)).unique(),
        on="opens",
        how="left",
        maintain_order="left",
    ).with_columns(pl.col("here").fill_null(value=False))
    by_day = bars.group_by("day", maintain_order=True).agg(
        expected=pl.len(), present=pl.col("here").sum()
    )
    return Coverage(
        days=tuple(DayCoverage(**row) for row in by_day.iter_rows(named=True)),
        gaps=_gaps(bars),
    )


def _gaps(bars: pl.DataFrame) -> tuple[Gap, ...]:
    partly = bars.filter(pl.col("here").any().over("day"))
    runs = partly.with_columns(run=pl.struct("day", "here").rle_id()).filter(~pl.col("here"))
    gaps = runs.group_by("run", maintain_order=True).agg(
        first=pl.col("opens").first(), last=pl.col("opens").last(), bars=pl.len()
    )
    return tuple(Gap(**row) for row in gaps.drop("run").iter_rows(named=True))


def _reason_alone(now: datetime) -> pl.Expr:
    """What is wrong with a row whatever the others say; `now` is compared with its bar's end."""
    prices = [pl.col(name) for name in ("open", "high", "low", "close")]
    body_top = pl.max_horizontal("open", "close")
    body_bottom = pl.min_horizontal("open", "close")
    wrong = {
        Reason.INCOMPLETE: pl.any_horizontal(pl.col(name).is_null() for name in _REQUIRED),
        Reason.OUTSIDE_SESSION: pl.col("bar_opens").is_null(),
        Reason.OFF_GRID: pl.col("opens") != pl.col("bar_opens"),
        Reason.FORMING: pl.col("bar_ends") > now.astimezone(UTC),
        Reason.PRICE_NOT_POSITIVE: pl.min_horizontal(prices) <= 0,
        Reason.RANGE_WRONG: (pl.col("high") < body_top) | (pl.col("low") > body_bottom),
        Reason.COUNT_NEGATIVE: (pl.col("volume") < 0) | (pl.col("oi").fill_null(0) < 0),
    }
    return pl.coalesce(pl.when(holds).then(pl.lit(reason.value)) for reason, holds in wrong.items())


def _judge_twins(judged: pl.DataFrame) -> pl.DataFrame:
    """Give a reason to rows that are right by themselves and share their stamp with another."""
    conflicting = pl.struct(_VALUES).n_unique().over("opens") > 1
    repeated = pl.int_range(pl.len()).over("opens") > 0
    sound = pl.col("reason").is_null()
    rest, candidates = judged.filter(~sound), judged.filter(sound)
    single = candidates.filter(~pl.col("opens").is_duplicated())
    twins = candidates.filter(pl.col("opens").is_duplicated()).with_columns(
        reason=pl.when(conflicting)
        .then(pl.lit(Reason.CONFLICTING.value))
        .when(repeated)
        .then(pl.lit(Reason.REPEATED.value))
    )
    return pl.concat([rest, single, twins]).sort("opens", maintain_order=True)


def _summary(refused: pl.DataFrame) -> tuple[Refusal, ...]:
    by_reason = refused.group_by("reason", maintain_order=True).agg(
        rows=pl.len(),
        days=ist_day(pl.col("opens")).drop_nulls().unique().sort(),
        examples=pl.col("opens").drop_nulls().head(_EXAMPLES),
    )
    found = [
        Refusal(
            reason=Reason(row["reason"]),
            rows=row["rows"],
            days=tuple(row["days"]),
            examples=tuple(row["examples"]),
        )
        for row in by_reason.iter_rows(named=True)
    ]
    return tuple(sorted(found, key=lambda refusal: list(Reason).index(refusal.reason)))
