"""The curve of a run: what cash and position came to at each bar's close."""

from array import array
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
# All year and every year of which there are candles.
_AHEAD_OF_UTC = timedelta(hours=5, minutes=30) // _MICRO
_DAY = timedelta(days=1) // _MICRO
_EPOCH_ORDINAL = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """Cash and position at a bar's close, in paise."""

    at: datetime
    cash: int
    position: int

    @property
    def equity(self) -> int:
        return self.cash + self.position


class EquityCurve(Sequence[EquityPoint]):
    """A sequence of points that holds 24 bytes for each, and makes one when somebody looks.

    `stamps` are microseconds since 1970, `cash` and `position` paise.
    """

    __slots__ = ("cash", "position", "stamps")

    def __init__(self, points: Iterable[EquityPoint] = ()) -> None:
        self.stamps: MutableSequence[int] = array("q")
        self.cash: MutableSequence[int] = array("q")
        self.position: MutableSequence[int] = array("q")
        for point in points:
            self.append(point.at, point.cash, point.position)

    def append(self, at: datetime, cash: int, position: int) -> None:
        self.append_row((at - _EPOCH) // _MICRO, cash, position)

    def append_row(self, stamp: int, cash: int, position: int) -> None:
        """As `append`, `stamp` in microseconds since 1970."""
        try:
            self.cash.append(cash)
            self.position.append(position)
        except OverflowError:  # beyond 64 bits
            before = len(self.stamps)
            self.cash = [*self.cash[:before], cash]
            self.position = [*self.position[:before], position]
        self.stamps.append(stamp)

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """Stamp, cash and position of each point."""
        return zip(self.stamps, self.cash, self.position, strict=True)

    def days(self) -> Iterator[int]:
        """The ordinal of each point's day, IST."""
        return (_EPOCH_ORDINAL + (stamp + _AHEAD_OF_UTC) // _DAY for stamp in self.stamps)

    def by_day(self) -> dict[int, int]:
        """The last equity of each day, IST, by the day's ordinal."""
        return {
            day: cash + position
            for day, (_, cash, position) in zip(self.days(), self.rows(), strict=True)
        }

    def texts(self) -> Iterator[str]:
        """The points as they stand in the canonical bytes of a result, thousands at a time."""
        points = (
            f'{{"at":"{(_EPOCH + stamp * _MICRO).isoformat()}",'
            f'"cash":{cash},"position":{position}}}'
            for stamp, cash, position in self.rows()
        )
        comma = ""
        while some := list(islice(points, _AT_ONCE)):
            yield comma + ",".join(some)
            comma = ","

    def __len__(self) -> int:
        return len(self.stamps)

    @overload
    def __getitem__(self, index: int) -> EquityPoint: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[EquityPoint]: ...

    def __getitem__(self, index: int | slice) -> EquityPoint | Sequence[EquityPoint]:
        if isinstance(index, slice):
            some = type(self)()
            some.stamps, some.cash = self.stamps[index], self.cash[index]
            some.position = self.position[index]
            return some
        at = _EPOCH + self.stamps[index] * _MICRO
        return EquityPoint(at=at, cash=self.cash[index], position=self.position[index])

    def __eq__(self, other: object) -> bool:
        """Of the same points; a tuple or list of them is not a curve."""
        if not isinstance(other, EquityCurve):
            return NotImplemented
        return len(self) == len(other) and all(
            ours == theirs for ours, theirs in zip(self.rows(), other.rows(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]
