"""Candle files as people have them: read exactly, or refused with line and column."""

import contextlib
import gzip
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from made_candles import candle, ist, minutes
from munshi.domain.market.candles import to_price, to_rupees
from munshi.domain.market.intervals import Interval
from munshi.errors import CandleFileInvalidError
from munshi.infrastructure.candles.frames import CANDLE_SCHEMA, to_frame
from munshi.market.candle_import import ImportedRows, ImportedSeries, read_candle_file
from munshi.market.import_cells import Cells
from munshi.market.import_prices import read_prices

Write = Callable[[str], Path]

TWO_MINUTES = """Instrument,Date,Time,Open,High,Low,Close
NIFTY,20240101,09:15,21727.75,21737.35,21701.80,21712.00
NIFTY,20240101,09:16,21711.50,21720.00,21695.35,21695.65
"""
FIRST, SECOND = ist("2024-01-01 09:15"), ist("2024-01-01 09:16")
TWO_BARS = to_frame(
    [
        candle(
            FIRST, price=217_277_500, high=217_373_500, low=217_018_000, close=217_120_000, volume=0
        ),
        candle(
            SECOND,
            price=217_115_000,
            high=217_200_000,
            low=216_953_500,
            close=216_956_500,
            volume=0,
        ),
    ]
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> Path:
        path = tmp_path / "candles.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return put


def only(rows: ImportedRows) -> ImportedSeries:
    (series,) = rows.series
    return series


def csv_of(header: str, *stamps: str) -> str:
    """Rows that differ in what stands before their prices."""
    lines = [f"{stamp},10,11,9.5,10.05" for stamp in stamps]
    return "\n".join([f"{header},Open,High,Low,Close", *lines]) + "\n"


def refusal(path: Path) -> str:
    with pytest.raises(CandleFileInvalidError) as caught:
        read_candle_file(path)
    return str(caught.value)


def test_date_and_time_columns_are_indian_time_and_prices_exact(write: Write) -> None:
    rows = read_candle_file(write(TWO_MINUTES))

    assert only(rows).instrument == "NIFTY"
    assert only(rows).interval is Interval.ONE_MINUTE
    assert only(rows).frame.equals(TWO_BARS)
    assert (rows.rows, rows.rounded, rows.ignored_columns) == (2, 0, ())


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("datetime", "2024-01-01 09:15", "2024-01-01 09:16"),
        ("DateTime", "2024-01-01 09:15:00.000", "2024-01-01 09:16:00.000"),
        ("timestamp", "2024-01-01T09:15:00+05:30", "2024-01-01T09:16:00+0530"),
        ("Timestamp", "2024-01-01T03:45:00Z", "2024-01-01T03:46:00Z"),
        ("date", "2023-12-31 22:45:00-05:00", "2023-12-31 22:46:00-05:00"),
        ("<Date>", "01/01/2024 09:15", "01/01/2024 09:16"),
        ("Date", "1-Jan-2024 9:15", "01-Jan-2024 9:16"),
        ("", "2024-01-01 09:15:00", "2024-01-01 09:16:00"),
        ("Date,Time", "20240101,0915", "20240101,0916"),
        ("Date,Time", "2024/01/01,91500", "2024/01/01,091600"),
        ("time", "1704080700", "1704080760"),
        ("time", "1704080700000", "1704080760000"),
        ("time", "1704080700000000", "1704080760000000"),
    ],
)
def test_instants_are_read_in_the_usual_spellings(
    write: Write, column: str, first: str, second: str
) -> None:
    series = only(read_candle_file(write(csv_of(column, first, second))))

    assert series.frame["opens"].to_list() == [FIRST, SECOND]
    assert series.instrument is None


def test_a_date_alone_makes_daily_bars(write: Write) -> None:
    series = only(read_candle_file(write(csv_of("Date", "2024-01-01", "2024-01-02", "2024-01-04"))))

    assert series.interval is Interval.ONE_DAY
    assert series.frame["opens"][0] == ist("2024-01-01 00:00")


def test_volume_and_open_interest_are_taken_and_others_named(write: Write) -> None:
    text = (
        "Ticker;Timestamp;O;H;L;C;Vol.;Open Interest;Change\n"
        "M&M;2024-01-01 09:15;10;11;9;10;1500;75.0;0.1\n"
        "M&M;2024-01-01 09:20;10;11;9;10;;nan;0.2\n"
    )

    rows = read_candle_file(write(text))

    assert only(rows).instrument == "M&M"
    assert only(rows).interval is Interval.FIVE_MINUTES
    assert only(rows).frame["volume"].to_list() == [1500, 0]
    assert only(rows).frame["oi"].to_list() == [75, None]
    assert rows.ignored_columns == ("Change",)


def test_each_instrument_is_a_series_of_its_own(write: Write) -> None:
    text = csv_of(
        "symbol,datetime",
        "NIFTY,2024-01-01 09:15",
        "BANKNIFTY,2024-01-01 09:15",
        "NIFTY,2024-01-01 09:16",
        "BANKNIFTY,2024-01-01 10:15",
    )

    rows = read_candle_file(write(text))

    assert [(s.instrument, s.interval, s.frame.height) for s in rows.series] == [
        ("NIFTY", Interval.ONE_MINUTE, 2),
        ("BANKNIFTY", Interval.ONE_HOUR, 2),
    ]


def test_rows_keep_the_order_and_the_repetitions_of_the_file(write: Write) -> None:
    later_first = csv_of("datetime", "2024-01-01 09:16", "2024-01-01 09:15", "2024-01-01 09:15")

    series = only(read_candle_file(write(later_first)))

    assert series.frame["opens"].to_list() == [SECOND, FIRST, FIRST]


def test_old_macintosh_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_bytes(TWO_MINUTES.replace("\n", "\r").encode())

    assert only(read_candle_file(path)).frame.equals(TWO_BARS)


def test_windows_line_ends_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    text = TWO_MINUTES.replace("NIFTY,20240101,09:16", "\nNIFTY,20240101,09:16") + "\n\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    assert only(read_candle_file(path)).frame.equals(TWO_BARS)


def test_a_gzipped_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_bytes(gzip.compress(TWO_MINUTES.encode()))

    assert only(read_candle_file(path)).frame.equals(TWO_BARS)


def test_a_gzipped_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv.gz"
    path.write_bytes(gzip.compress(TWO_MINUTES.encode())[:-20])

    assert refusal(path) == "candles.csv.gz: The compressed file is cut short or damaged."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file is empty"),
        ("\n\n", "starts with an empty line"),
        ("Date,Time,Open,High,Low,Close\n", "holds no rows"),
        ("Date,Time,Open,Low\n1,2,3,4\n", "no column for high, close; the file has Date, Time"),
        ("Open,High,Low,Close\n1,2,3,4\n", "no column for date or time"),
        ("NIFTY,20240101,09:15,1,1,1,1\n", "first line names the columns"),
        (TWO_MINUTES.replace("Instrument", "Close"), "The column 'Close' is there twice"),
        (TWO_MINUTES.replace("21720.00", "21,720.00"), "line 3: 8 cells under 7 columns"),
        (TWO_MINUTES.replace("21720.00", "21720.0O"), "line 3, column 'High': '21720.0O' is not a"),
        (TWO_MINUTES.replace("21701.80", ""), "line 2, column 'Low': is empty"),
        (TWO_MINUTES.replace("21701.80", "nan"), "line 2, column 'Low': 'nan' is not a price"),
        (TWO_MINUTES.replace("21701.80", "1e99"), "line 2, column 'Low': '1e99' is not a price"),
        (TWO_MINUTES.replace("21701.80", "1_0"), "line 2, column 'Low': '1_0' is not a price"),
        (TWO_MINUTES.replace("NIFTY,20240101,09:16", ",20240101,09:16"), "line 3, column 'Instr"),
        (TWO_MINUTES.replace("09:16", "24:16"), "line 3, column 'Date Time': '20240101 24:16'"),
        (TWO_MINUTES.replace("20240101,09:16", "20240132,09:16"), "written like those before it"),
        (TWO_MINUTES.replace("20240101,09:16", "2024-01-01,09:16"), "line 3, column 'Date Time'"),
        (TWO_MINUTES.replace("09:16", ""), "line 3, column 'Time': is empty"),
        (csv_of("date", "01-13-2024 09:15"), "'01-13-2024 09:15' is not a date"),
        (csv_of("date", "soon"), "line 2, column 'date': 'soon' is not a date"),
        (csv_of("date", ""), "line 2, column 'date': is empty"),
        (csv_of("time", "1704080700", "1704080760000"), "line 3, column 'time'"),
        (
            csv_of("datetime", "2024-01-01 09:15+05:30", "2024-01-01 09:16"),
            "line 3, column 'datetime': '2024-01-01 09:16' has another time zone",
        ),
        (
            csv_of("datetime", "2024-01-01 09:15", "2024-01-01 03:46Z"),
            "line 3, column 'datetime': '2024-01-01 03:46Z' has another time zone",
        ),
        (csv_of("datetime", "2024-01-01 09:15"), "One row does not show how long its bar is"),
        (
            csv_of("datetime", "2024-01-01 09:15", "2024-01-01 09:17"),
            "0:02:00 apart, which is no bar interval",
        ),
        (
            csv_of("datetime,volume", "2024-01-01 09:15,1.5", "2024-01-01 09:16,1"),
            "line 2, column 'volume': '1.5' is not a whole number",
        ),
        (
            csv_of("datetime,volume", "2024-01-01 09:15,1", f"2024-01-01 09:16,{10**15}"),
            "line 3, column 'volume': '1000000000000000' is too large",
        ),
        (
            csv_of("datetime,oi", f"2024-01-01 09:15,{'9' * 60}", "2024-01-01 09:16,1"),
            "line 2, column 'oi': '9999999999999999999999999999999999999999' is too large",
        ),
        (
            TWO_MINUTES.replace("21701.80", "9" * 30),
            f"line 2, column 'Low': '{'9' * 30}' is not a price",
        ),
        (
            TWO_MINUTES.replace("20240101,09:16", f"{'2' * 40},09:16"),
            "is not a date written like those before it",
        ),
        (
            csv_of("time", "9" * 40, "9" * 40),
            f"line 2, column 'time': '{'9' * 40}' is not a date",
        ),
        ('datetime,open\n"2024-01-01,1\n', "quotation mark"),
        (TWO_MINUTES.replace("21720", "217\x0020"), "line 3: this is not text"),
        ("a" * 200_000 + ",b\n1,2\n", "line 1: field larger than field limit"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(write: Write, text: str, said: str) -> None:
    message = refusal(write(text))

    assert said in message
    assert message.startswith("candles.csv: ")


def test_a_file_in_another_encoding_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_bytes(TWO_MINUTES.encode() + b"NIFTY\xff,20240101\n")

    assert "line 4: this is not text in UTF-8" in refusal(path)


@given(st.integers(0, len(TWO_MINUTES) - 1), st.binary(min_size=1, max_size=3))
def test_damage_anywhere_is_read_or_refused_and_never_a_crash(place: int, junk: bytes) -> None:
    content = bytearray(TWO_MINUTES.encode())
    content[place : place + len(junk)] = junk

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candles.csv"
        path.write_bytes(content)
        with contextlib.suppress(CandleFileInvalidError):
            rows = read_candle_file(path)
            assert rows.rows in {1, 2}


@pytest.mark.parametrize("name", ["gone.csv", "."])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    assert "cannot be read" in refusal(tmp_path / name)


def test_a_workbook_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "candles.xlsx"
    path.write_bytes(b"PK\x03\x04rest")

    assert "Save it as CSV" in refusal(path)


def test_the_interval_can_be_given_where_rows_do_not_show_it(write: Write) -> None:
    path = write(csv_of("datetime", "2024-01-01 09:15"))

    series = only(read_candle_file(path, interval=Interval.ONE_HOUR))

    assert series.interval is Interval.ONE_HOUR


PRICES = {
    "open": [21727.75, 21711.5],
    "high": [21737.35, 21720.0],
    "low": [21701.8, 21695.35],
    "close": [21712.0, 21695.65],
}


@pytest.mark.parametrize(
    "stamps",
    [
        {"datetime": [FIRST.replace(tzinfo=None), SECOND.replace(tzinfo=None)]},
        {"datetime": [FIRST.astimezone(UTC), SECOND.astimezone(UTC)]},
        {
            "__index_level_0__": [
                s.astimezone(timezone(timedelta(hours=1))) for s in (FIRST, SECOND)
            ]
        },
        {"date": [date(2024, 1, 1)] * 2, "time": [time(9, 15), time(9, 16)]},
        {"date": [datetime(2024, 1, 1)] * 2, "time": ["09:15", "09:16"]},  # noqa: DTZ001
        {"date": [20240101] * 2, "time": ["09:15", "09:16"]},
        {"timestamp": [1704080700, 1704080760]},
    ],
)
def test_parquet_of_floats_is_read_to_the_same_candles(
    tmp_path: Path, stamps: dict[str, list[object]]
) -> None:
    path = tmp_path / "candles.parquet"
    pl.DataFrame(stamps | PRICES).write_parquet(path)

    rows = read_candle_file(path)

    assert only(rows).frame.equals(TWO_BARS)
    assert rows.rounded == 0


def test_short_floats_are_read_to_the_paisa_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    frame = pl.DataFrame({"datetime": ["2024-01-01 09:15", "2024-01-01 09:16"]} | PRICES)
    frame.cast(dict.fromkeys(PRICES, pl.Float32)).write_parquet(path)

    rows = read_candle_file(path)

    assert only(rows).frame.equals(TWO_BARS)
    assert rows.rounded == 4  # the others are multiples of a quarter


def test_only_short_floats_that_are_no_whole_paisa_count_as_rounded() -> None:
    values = pl.Series([21701.8, 21712.0, 21727.75], dtype=pl.Float32)
    cells = Cells(column="low", values=values, row_word="row", places=pl.Series([1, 2, 3]))

    prices, rounded = read_prices(cells)

    assert prices.to_list() == [217_018_000, 217_120_000, 217_277_500]
    assert rounded == 1


def test_fractions_of_a_second_are_kept_to_be_judged_later(write: Write) -> None:
    text = csv_of("datetime", "2024-01-01 09:15:00.5", "2024-01-01 09:16:00.5")

    series = only(read_candle_file(write(text)))

    assert series.frame["opens"][0] == FIRST + timedelta(milliseconds=500)


@pytest.mark.parametrize("kind", [pl.Float32, pl.Float64])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_float_that_is_no_price_is_refused(
    tmp_path: Path, kind: type[pl.DataType], value: float | None
) -> None:
    path = tmp_path / "candles.parquet"
    frame = pl.DataFrame({"date": ["2024-01-01", "2024-01-02"]} | PRICES)
    frame.with_columns(low=pl.Series([1.0, value])).cast({"low": kind}).write_parquet(path)

    assert "row 2, column 'low'" in refusal(path)


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    frame = pl.DataFrame({"date": ["2024-01-01", "2024-01-02"]} | PRICES)
    frame.with_columns(low=pl.Series([[1.0], [2.0]])).write_parquet(path)

    assert "The column 'low' holds List" in refusal(path)


@pytest.mark.parametrize("kept", [4, 200, -1])
def test_a_parquet_file_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "candles.parquet"
    TWO_BARS.write_parquet(path)
    path.write_bytes(path.read_bytes()[:kept])

    assert "cut short or damaged" in refusal(path)


def test_a_file_of_our_own_store_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "202401-000000000000.parquet"
    minutes("2024-01-01 09:15", count=5).write_parquet(path)

    series = only(read_candle_file(path))

    assert series.frame.equals(minutes("2024-01-01 09:15", count=5))
    assert series.frame.schema == CANDLE_SCHEMA


@pytest.mark.parametrize("column", ["volume", "oi"])
def test_counts_in_a_file_of_our_own_columns_can_be_added_up_too(
    tmp_path: Path, column: str
) -> None:
    """Another program may have written it, and sums of larger ones would wrap around."""
    path = tmp_path / "theirs.parquet"
    bars = minutes("2024-01-01 09:15", count=5)
    huge = pl.when(pl.int_range(pl.len()) == 3).then(2**62).otherwise(7).cast(pl.Int64)
    bars.with_columns(huge.alias(column)).write_parquet(path)

    with pytest.raises(CandleFileInvalidError, match=f"row 4, column '{column}': .* is too large"):
        read_candle_file(path)


def test_a_cell_spelt_otherwise_than_the_first_is_read_or_named(write: Write) -> None:
    first = "2024-01-01 09:15"

    read = only(read_candle_file(write(csv_of("datetime", first, "2024-01-01  9:16:00"))))

    assert read.frame["opens"].to_list() == [FIRST, SECOND]
    for wrong in ("2024-01-01 09:16+05:30", "2024-02-30 09:16", "2024-01-01 09: 6"):
        said = refusal(write(csv_of("datetime", first, wrong)))
        assert f"line 3, column 'datetime': '{wrong}'" in said


def test_prices_finer_than_stored_are_rounded_and_counted(write: Write) -> None:
    text = TWO_MINUTES.replace("21701.80", "21701.800000001").replace("21720.00", "2.172e4")

    rows = read_candle_file(write(text))

    assert only(rows).frame.equals(TWO_BARS)
    assert rows.rounded == 1


PRICES_AS_TEXT = st.one_of(
    st.decimals(-99_999, 99_999, places=6).map(str),
    st.decimals(0, 10**12, places=4).map(str),
    st.floats(1e-20, 1e6).map(repr),
    st.tuples(st.integers(0, 10**6), st.from_regex(r"[05]{0,24}", fullmatch=True)).map(
        lambda both: f"{both[0]}.{both[1]}"
    ),
)


@given(st.lists(PRICES_AS_TEXT, min_size=1))
def test_prices_in_text_are_what_exact_arithmetic_says(prices: list[str]) -> None:
    cells = Cells(
        column="close",
        values=pl.Series(prices),
        row_word="line",
        places=pl.Series(range(len(prices))),
    )

    read, rounded = read_prices(cells)

    assert read.to_list() == [to_price(price) for price in prices]
    assert rounded == sum(to_rupees(to_price(price)) != Decimal(price) for price in prices)


@example([536870912.1132001])  # an ulp beside 536870912.1132
@given(st.lists(st.floats(1e-20, 1e9), min_size=1))
def test_floats_count_as_the_decimal_they_print_as(prices: list[float]) -> None:
    cells = Cells(
        column="close",
        values=pl.Series(prices),
        row_word="row",
        places=pl.Series(range(len(prices))),
    )

    read, rounded = read_prices(cells)

    assert read.to_list() == [to_price(price) for price in prices]
    assert rounded == sum(to_rupees(to_price(price)) != Decimal(str(price)) for price in prices)
