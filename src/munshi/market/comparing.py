"""Two frames of the same instrument from two sources, beside each other."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from munshi.domain.market.candles import to_rupees
from munshi.market.session_bars import ist_day

PRICE_TOLERANCE = 0.0005
VOLUME_TOLERANCE = 0.01
WORST_DAYS = 10
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far apart is the same: as parts of the second source's value (0.0005 is 0.05 %)."""

    price: float = PRICE_TOLERANCE
    volume: float = VOLUME_TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class DayComparison:
    """One day. `farthest` is the greatest price difference, in parts of the second's price."""

    day: date
    both: int
    only_first: int
    only_second: int
    price_differs: int
    volume_differs: int
    bars_differ: int
    farthest: float
    farthest_at: datetime | None
    first_close: int | None
    second_close: int | None

    @property
    def weight(self) -> tuple[int, float]:
        """The worst day has the most bars that are not alike; of equals the farthest apart."""
        return (self.bars_differ + self.only_first + self.only_second, self.farthest)

    def to_json(self) -> dict[str, Any]:
        return {
            "day": self.day.isoformat(),
            "bars_in_both": self.both,
            "bars_only_in_first": self.only_first,
            "bars_only_in_second": self.only_second,
            "prices_differ": self.price_differs,
            "volumes_differ": self.volume_differs,
            "farthest_percent": round(100 * self.farthest, 4),
            "farthest_at": None if self.farthest_at is None else self.farthest_at.isoformat(),
            "first_close": _rupees(self.first_close),
            "second_close": _rupees(self.second_close),
        }


def compare_days(
    first: pl.DataFrame, second: pl.DataFrame, *, tolerance: Tolerance
) -> list[DayComparison]:
    """Both frames have each stamp once. Every day of either comes back, in order.

    Volumes are compared only where both frames have any at all: of an index one source may send
    none.
    """
    joined = first.join(second, on="opens", how="full", suffix="_2", coalesce=True).sort("opens")
    in_first, in_second = pl.col("close").is_not_null(), pl.col("close_2").is_not_null()
    in_both = in_first & in_second
    apart = pl.max_horizontal(
        ((pl.col(name) - pl.col(f"{name}_2")).abs() / pl.col(f"{name}_2").abs()) for name in _PRICES
    )
    unequal = (pl.col("volume") - pl.col("volume_2")).abs() > tolerance.volume * pl.col("volume_2")
    counted = bool(first["volume"].sum()) and bool(second["volume"].sum())
    judged = joined.with_columns(
        day=ist_day(pl.col("opens")),
        in_both=in_both,
        apart=pl.when(in_both).then(apart),
        price=in_both & (apart > tolerance.price),
        volume_apart=in_both & unequal if counted else pl.lit(value=False),
    )
    worst = pl.col("apart").fill_nan(None).arg_max()
    rows = judged.group_by("day", maintain_order=True).agg(
        both=pl.col("in_both").sum(),
        only_first=(in_first & ~in_second).sum(),
        only_second=(in_second & ~in_first).sum(),
        price_differs=pl.col("price").sum(),
        volume_differs=pl.col("volume_apart").sum(),
        bars_differ=(pl.col("price") | pl.col("volume_apart")).sum(),
        farthest=pl.col("apart").max().fill_null(0.0),
        farthest_at=pl.col("opens").get(worst),
        first_close=pl.col("close").get(worst),
        second_close=pl.col("close_2").get(worst),
    )
    return [DayComparison(**row) for row in rows.iter_rows(named=True)]


@dataclass(slots=True)
class Tally:
    """Days added up, with the worst of them; it does not grow with the range."""

    days: int = 0
    both: int = 0
    only_first: int = 0
    only_second: int = 0
    price_differs: int = 0
    volume_differs: int = 0
    bars_differ: int = 0
    days_unlike: int = 0
    _worst: list[tuple[tuple[int, float], int, DayComparison]] = field(default_factory=list)

    def add(self, days: Iterable[DayComparison]) -> None:
        for day in days:
            self.days += 1
            self.both += day.both
            self.only_first += day.only_first
            self.only_second += day.only_second
            self.price_differs += day.price_differs
            self.volume_differs += day.volume_differs
            self.bars_differ += day.bars_differ
            if day.weight[0]:
                self.days_unlike += 1
                heapq.heappush(self._worst, (day.weight, -day.day.toordinal(), day))
                if len(self._worst) > WORST_DAYS:
                    heapq.heappop(self._worst)

    @property
    def worst(self) -> list[DayComparison]:
        """The worst days, worst first."""
        return [day for _, _, day in sorted(self._worst, reverse=True)]

    @property
    def is_alike(self) -> bool:
        return not self.days_unlike


def _rupees(price: int | None) -> str | None:
    return None if price is None else f"{to_rupees(price):.2f}"
