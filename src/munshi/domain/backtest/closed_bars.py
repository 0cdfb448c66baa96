"""What a strategy sees: the bars that have closed, and no other."""

from collections.abc import Sequence
from typing import overload

from munshi.domain.market.candle_columns import CandleColumns
from munshi.domain.market.candles import Candle


class ClosedBars(Sequence[Candle]):
    """Looks like a list that ends with the bar that has just closed; the engine moves its end."""

    def __init__(self, bars: Sequence[Candle]) -> None:
        self._bars = bars
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Candle: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Candle]: ...

    def __getitem__(self, index: int | slice) -> Candle | Sequence[Candle]:
        if isinstance(index, slice):
            places = range(*index.indices(self._count))
            if places.step == 1 and isinstance(self._bars, CandleColumns):
                return self._bars.between(places.start, places.stop)
            return [self._bars[each] for each in places]
        if not -self._count <= index < self._count:
            raise IndexError("there is no such bar, or it has not closed yet")
        return self._bars[index % self._count]

    def close_next(self) -> Candle:
        """One more bar has closed."""
        self._count += 1
        return self._bars[self._count - 1]

    def close_until(self, count: int) -> None:
        """So many bars have closed, one after another."""
        self._count = count
