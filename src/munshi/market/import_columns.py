"""Which column of a candle file holds what, by the names that exports give them."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from munshi.errors import CandleFileInvalidError

EXPECTED = (
    "Expected one of date and time, datetime or timestamp, and open, high, low, close; "
    "instrument, volume and oi if there are any. The first line names the columns."
)


class Column(StrEnum):
    """What Munshi can use of a candle file."""

    INSTRUMENT = "instrument"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    VOLUME = "volume"
    OI = "oi"


PRICES = (Column.OPEN, Column.HIGH, Column.LOW, Column.CLOSE)
INSTANTS = (Column.DATETIME, Column.DATE, Column.TIME)

# Compared without case, spaces and punctuation, so `<Open>` and `Open Interest` are found too.
_NAMES: Mapping[Column, frozenset[str]] = {
    Column.INSTRUMENT: frozenset(
        {"instrument", "symbol", "ticker", "tradingsymbol", "stockcode", "scrip"}
    ),
    Column.DATETIME: frozenset(
        {"datetime", "timestamp", "dateandtime", "epoch", "unixtime", "opentime", "indexlevel0"}
    ),
    Column.DATE: frozenset({"date", "day", "tradedate", "tradingdate"}),
    Column.TIME: frozenset({"time", "tradetime"}),
    Column.OPEN: frozenset({"open", "o", "openprice"}),
    Column.HIGH: frozenset({"high", "h", "highprice"}),
    Column.LOW: frozenset({"low", "l", "lowprice"}),
    Column.CLOSE: frozenset({"close", "c", "closeprice"}),
    Column.VOLUME: frozenset({"volume", "vol", "v"}),
    Column.OI: frozenset({"oi", "openinterest", "openint"}),
}


def find_columns(header: Iterable[str]) -> dict[Column, str]:
    """The file's own name of each column there is.

    Raises CandleFileInvalidError if one that is needed is missing or one is there twice.
    """
    names = list(header)
    found: dict[Column, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9]", "", name.lower())
        column = next((column for column, known in _NAMES.items() if plain in known), None)
        if column is None:
            continue
        if column in found:
            raise CandleFileInvalidError(
                f"The columns {found[column]!r} and {name!r} both hold the {column}.",
                hint="Leave one of them out.",
            )
        found[column] = name
    if names[:1] == [""] and not any(column in found for column in INSTANTS):
        found[Column.DATETIME] = ""  # pandas leaves the head of its index empty
    missing = [column.value for column in PRICES if column not in found]
    if not any(column in found for column in INSTANTS):
        missing.insert(0, "date or time")
    if missing:
        raise CandleFileInvalidError(
            f"There is no column for {', '.join(missing)}; the file has {', '.join(names)}.",
            hint=EXPECTED,
        )
    return found
