"""Real candles from a folder: what it holds, as it stands there, and nothing else."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from munshi.errors import CandleFileInvalidError
from munshi.infrastructure.brokers.simulator.folder_candles import FolderCandles
from munshi.infrastructure.brokers.simulator.universe import cash_instruments, index_named

NIFTY = index_named("NIFTY")
RELIANCE = next(i for i in cash_instruments() if i.tradingsymbol == "RELIANCE")
CSV = """Instrument,Date,Time,Open,High,Low,Close
NIFTY,20240102,09:15,21727.75,21737.35,21701.80,21712.00
NIFTY,20240101,09:16,21711.50,21720.00,21695.35,21695.65
NIFTY,20240101,09:15,21727.75,21737.35,21701.80,21712.00
"""


def test_csv_in_the_usual_columns_is_served_by_day(tmp_path: Path) -> None:
    (tmp_path / "minutes.csv").write_text(CSV, "utf-8")

    source = FolderCandles(tmp_path).open()

    first, second = source.minutes(NIFTY, date(2024, 1, 1))
    assert first.opens == datetime(2024, 1, 1, 3, 45, tzinfo=UTC)
    assert (first.open, first.high, first.low, first.close) == (
        217277500, 217373500, 217018000, 217120000,
    )  # fmt: skip
    assert (first.volume, first.oi) == (0, None)
    assert second.close == 216956500
    assert (source.first_day, source.last_day) == (date(2024, 1, 1), date(2024, 1, 2))


def test_what_the_folder_does_not_hold_is_empty(tmp_path: Path) -> None:
    (tmp_path / "minutes.csv").write_text(CSV, "utf-8")

    source = FolderCandles(tmp_path).open()

    assert source.minutes(NIFTY, date(2024, 1, 3)) == ()
    assert source.minutes(RELIANCE, date(2024, 1, 1)) == ()
    assert source.label == "real candles replayed by the simulator"


def test_parquet_with_one_stamp_column_and_volume_is_understood(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "symbol": ["RELIANCE"],
            "datetime": [datetime(2024, 1, 1, 3, 45, tzinfo=UTC)],
            "open": [2500.5],
            "high": [2501.0],
            "low": [2500.0],
            "close": [2500.75],
            "volume": [1234],
            "open_interest": [7],
        }
    ).write_parquet(tmp_path / "reliance.parquet")

    [bar] = FolderCandles(tmp_path).open().minutes(RELIANCE, date(2024, 1, 1))

    assert bar.opens == datetime(2024, 1, 1, 3, 45, tzinfo=UTC)
    assert (bar.close, bar.volume, bar.oi) == (25_007_500, 1234, 7)


def test_file_without_an_instrument_column_is_named_by_the_file(tmp_path: Path) -> None:
    lines = ["datetime,open,high,low,close", "2024-01-01 09:15:00,1,2,1,2"]
    (tmp_path / "banknifty_2024.csv").write_text("\n".join(lines), "utf-8")

    source = FolderCandles(tmp_path).open()

    assert len(source.minutes(index_named("BANKNIFTY"), date(2024, 1, 1))) == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "x", "no CSV or Parquet file"),
        ("a.csv", "Date,Time,Open,High,Low\n", "no column close"),
        ("a.csv", "Open,High,Low,Close\n1,1,1,1\n", "no date and time"),
        ("a.csv", "Date,Time,Open,High,Low,Close\nsoon,,1,1,1,1\n", "no usable candle"),
        ("a.parquet", "not parquet", "cannot be read"),
    ],
)
def test_unusable_folder_is_one_clear_sentence(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")

    with pytest.raises(CandleFileInvalidError, match=says):
        FolderCandles(tmp_path).open()
