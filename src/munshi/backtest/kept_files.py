"""What a run keeps for its report beside its trades: the curve, and candles to draw them on.

A report is made from these alone, so it never runs a strategy and asks for no stored bars.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from munshi.domain.backtest.results import EquityPoint
from munshi.domain.market.candles import Candle
from munshi.infrastructure.parquet import read_parquet, write_parquet

CURVE, CANDLES = "equity.parquet", "candles.parquet"
MOST_CANDLES = 240
_CURVE_COLUMNS: dict[str, type] = {"at": datetime, "cash": int, "position": int, "equity": int}
_POINT = ("at", "cash", "position")
Keep = Callable[[str, Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCandle:
    """So many `bars` as one; prices are ten-thousandths of a rupee, `opens` that of the first."""

    opens: datetime
    open: int
    high: int
    low: int
    close: int
    bars: int


_CANDLE_COLUMNS: dict[str, type] = {
    each.name: datetime if each.name == "opens" else int for each in fields(DrawnCandle)
}


def keep_curve(equity: Sequence[EquityPoint], keep: Keep) -> None:
    """Every point, in paise."""
    rows = ((point.at, point.cash, point.position, point.equity) for point in equity)
    _keep(CURVE, _CURVE_COLUMNS, rows, keep)


def keep_candles(bars: Sequence[Candle], keep: Keep) -> None:
    """At most `MOST_CANDLES`, each of as many bars as the others but the last."""
    _keep(CANDLES, _CANDLE_COLUMNS, (astuple(each) for each in gathered(bars)), keep)


def read_points(data: bytes) -> Iterator[EquityPoint]:
    """What `keep_curve` kept."""
    for at, cash, position in read_parquet(data, _POINT):
        yield EquityPoint(at=at, cash=cash, position=position)


def read_candles(data: bytes) -> Iterator[DrawnCandle]:
    """What `keep_candles` kept."""
    names = list(_CANDLE_COLUMNS)
    for row in read_parquet(data, names):
        yield DrawnCandle(**dict(zip(names, row, strict=True)))


def gathered(bars: Sequence[Candle]) -> Iterator[DrawnCandle]:
    size = max(1, -(-len(bars) // MOST_CANDLES))
    for begin in range(0, len(bars), size):
        group = bars[begin : begin + size]
        yield DrawnCandle(
            opens=group[0].opens.astimezone(UTC),
            open=group[0].open,
            high=max(bar.high for bar in group),
            low=min(bar.low for bar in group),
            close=group[-1].close,
            bars=len(group),
        )


def _keep(
    name: str, columns: dict[str, type], rows: Iterable[Sequence[object]], keep: Keep
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_parquet(path, columns, rows)
        keep(name, path)
