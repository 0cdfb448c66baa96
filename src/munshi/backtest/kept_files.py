"""What a run keeps for its report beside its trades: the curve, and candles to draw them on.

A report is made from these alone, so it never runs a strategy and asks for no stored bars.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.market.candle_columns import CandleColumns
from munshi.domain.market.candles import Candle
from munshi.errors import JobArtifactUnwritableError
from munshi.infrastructure.parquet import (
    read_columns,
    read_parquet,
    write_columns,
    write_parquet,
)

CURVE, CANDLES = "equity.parquet", "candles.parquet"
MOST_CANDLES = 240
_AT_ONCE = 5_000
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


def keep_curve(equity: EquityCurve, keep: Keep) -> None:
    """Every point, in paise. Raises JobArtifactUnwritableError, and what `keep` raises."""
    _keep(CURVE, lambda path: write_columns(path, _CURVE_COLUMNS, _batches(equity)), keep)


def keep_candles(bars: Sequence[Candle], keep: Keep) -> None:
    """At most `MOST_CANDLES`, each of as many bars as the others but the last.

    Raises as `keep_curve`.
    """
    rows = (astuple(each) for each in gathered(bars))
    _keep(CANDLES, lambda path: write_parquet(path, _CANDLE_COLUMNS, rows), keep)


def read_curve(data: bytes) -> EquityCurve:
    """What `keep_curve` kept."""
    curve = EquityCurve()
    for columns in read_columns(data, _POINT):
        for row in zip(*columns, strict=True):
            curve.append_row(*row)
    return curve


def read_candles(data: bytes) -> Iterator[DrawnCandle]:
    """What `keep_candles` kept."""
    names = list(_CANDLE_COLUMNS)
    for row in read_parquet(data, names):
        yield DrawnCandle(**dict(zip(names, row, strict=True)))


def gathered(bars: Sequence[Candle]) -> Iterator[DrawnCandle]:
    size = max(1, -(-len(bars) // MOST_CANDLES))
    bars = CandleColumns.of(bars)
    _, firsts, highs, lows, lasts, *_ = bars.columns
    for begin in range(0, len(bars), size):
        stop = min(begin + size, len(bars))
        yield DrawnCandle(
            opens=bars.instant(begin),
            open=firsts[begin],
            high=max(highs[begin:stop]),
            low=min(lows[begin:stop]),
            close=lasts[stop - 1],
            bars=stop - begin,
        )


def _batches(curve: EquityCurve) -> Iterator[dict[str, list[int]]]:
    for begin in range(0, len(curve), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        cash, position = list(curve.cash[part]), list(curve.position[part])
        yield {
            "at": list(curve.stamps[part]),
            "cash": cash,
            "position": position,
            "equity": [held + worth for held, worth in zip(cash, position, strict=True)],
        }


def _keep(name: str, write: Callable[[Path], None], keep: Keep) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        try:
            write(path)
        except OSError as error:
            raise JobArtifactUnwritableError(
                f"{name} cannot be made in {gettempdir()}: {error.strerror}. "
                "Nothing of this backtest was stored; mend that, then retry the job.",
            ) from error
        keep(name, path)
