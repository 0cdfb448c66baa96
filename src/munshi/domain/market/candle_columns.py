"""Bars side by side as whole numbers, for runs over hundreds of thousands of them."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self, overload

from munshi.domain.market.candles import Candle

NO_OI = -(2**63)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_BLOCK_BITS = 10
_BLOCK = 1 << _BLOCK_BITS
# Strategies look back; what they see again and again should not be made again and again.
_MOST_BLOCKS = 32
Columns = tuple["array[int]", ...]


class CandleColumns(Sequence[Candle]):
    """A sequence of candles that holds 56 bytes for each, and makes one when somebody looks.

    `columns` are stamps in microseconds since 1970, then open, high, low and close in
    ten-thousandths of a rupee, volume, and open interest, NO_OI where the source gives none. The
    candles of the last 32 blocks of 1,024 that were looked at are kept.
    """

    __slots__ = ("_blocks", "_length", "columns")

    def __init__(self, columns: Columns | None = None) -> None:
        self.columns = columns or tuple(array("q") for _ in range(7))
        self._length = len(self.columns[0])
        self._blocks: dict[int, list[Candle]] = {}

    @classmethod
    def of(cls, candles: Iterable[Candle]) -> Self:
        """Raises OverflowError for numbers beyond 64 bits."""
        if isinstance(candles, cls):
            return candles
        made = cls()
        rows = (_row(candle) for candle in candles)
        for column, values in zip(made.columns, zip(*rows, strict=True), strict=False):
            column.extend(values)
        return cls(made.columns)

    @classmethod
    def joined(cls, parts: Iterable[Columns]) -> Self:
        """The columns of `parts`, which follow each other."""
        whole = cls().columns
        for part in parts:
            for column, more in zip(whole, part, strict=True):
                column.extend(more)
        return cls(whole)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Candle: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Candle]: ...

    def __getitem__(self, index: int | slice) -> Candle | Sequence[Candle]:
        if isinstance(index, slice):
            return type(self)(tuple(column[index] for column in self.columns))
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError("there is no such bar")
        block = self._blocks.get(index >> _BLOCK_BITS) or self._block(index >> _BLOCK_BITS)
        return block[index & (_BLOCK - 1)]

    def __iter__(self) -> Iterator[Candle]:
        for number in range(-(-self._length // _BLOCK)):
            yield from self._blocks.get(number) or self._block(number)

    def instant(self, place: int) -> datetime:
        """When the bar opens, UTC."""
        return _EPOCH + self.columns[0][place] * _MICRO

    def candles(self, begin: int, stop: int) -> list[Candle]:
        """Those from `begin` to before `stop`, neither of which is negative."""
        made: list[Candle] = []
        while begin < min(stop, self._length):
            number = begin >> _BLOCK_BITS
            block = self._blocks.get(number) or self._block(number)
            first = begin & (_BLOCK - 1)
            some = block[first : first + stop - begin]
            made += some
            begin += len(some)
        return made

    def is_untouched(self) -> bool:
        """Whether each candle that is kept still says what the columns do."""
        return all(
            list(map(_row, block)) == list(self._rows(number))
            for number, block in self._blocks.items()
        )

    def _rows(self, number: int) -> Iterator[tuple[int, ...]]:
        part = slice(number * _BLOCK, (number + 1) * _BLOCK)
        return zip(*(column[part] for column in self.columns), strict=True)

    def _block(self, number: int) -> list[Candle]:
        made = [
            Candle(
                opens=_EPOCH + stamp * _MICRO,
                open=first,
                high=high,
                low=low,
                close=last,
                volume=volume,
                oi=None if oi == NO_OI else oi,
            )
            for stamp, first, high, low, last, volume, oi in self._rows(number)
        ]
        if len(self._blocks) == _MOST_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[number] = made
        return made


def candles_between(bars: Sequence[Candle], begin: int, stop: int) -> list[Candle]:
    """As `bars[begin:stop]`, neither of which is negative; what was made once is not made again."""
    if isinstance(bars, CandleColumns):
        return bars.candles(begin, stop)
    return list(bars[begin:stop])


def _row(candle: Candle) -> tuple[int, ...]:
    return (
        (candle.opens - _EPOCH) // _MICRO,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        NO_OI if candle.oi is None else candle.oi,
    )
