"""What a strategy sees: the bars that have closed, and no other."""

from collections.abc import Sequence
from typing import overload

from munshi.domain.market.candle_columns import candles_between
from munshi.domain.market.candles import Candle

_FEW = 1024


class ClosedBars(Sequence[Candle]):
    """Looks like a list that ends with the bar that has just closed; the engine moves its end."""

    def __init__(self, bars: Sequence[Candle]) -> None:
        self._bars = bars
        self._count = 0
        # The newest, from this number on: most strategies look no further back.
        self._newest: list[Candle] = []
        self._first = 0

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Candle: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Candle]: ...

    def __getitem__(self, index: int | slice) -> Candle | Sequence[Candle]:
        if isinstance(index, slice):
            return self._some(index)
        if not -self._count <= index < self._count:
            raise IndexError("there is no such bar, or it has not closed yet")
        place = index % self._count
        if place >= self._first:
            return self._newest[place - self._first]
        return self._bars[place]

    def close_next(self) -> Candle:
        """One more bar has closed."""
        bar = self._bars[self._count]
        self.close(bar)
        return bar

    def close(self, bar: Candle) -> None:
        """As `close_next`, by who has the next `bar` at hand."""
        self._count += 1
        self._newest.append(bar)
        if len(self._newest) == 2 * _FEW:
            del self._newest[:_FEW]
            self._first += _FEW

    def close_until(self, count: int) -> None:
        """So many bars have closed, one after another."""
        self._newest.clear()
        self._first = self._count = count

    def _some(self, index: slice) -> Sequence[Candle]:
        places = range(*index.indices(self._count))
        if places.step != 1:
            return [self[each] for each in places]
        if places and places.start >= self._first:
            return self._newest[places.start - self._first : places.stop - self._first]
        return candles_between(self._bars, places.start, places.stop)
