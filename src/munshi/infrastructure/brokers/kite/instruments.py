"""Kite's instrument dump: twelve CSV columns, one instrument a row."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from io import StringIO

from munshi.domain.market.instruments import (
    Instrument,
    InstrumentKind,
    InstrumentRef,
    well_known_index,
)
from munshi.domain.market.sessions import Segment
from munshi.errors import BrokerUnavailableError

COLUMNS = [
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
]
_SEGMENTS = {
    "NSE": Segment.CASH,
    "BSE": Segment.CASH,
    "NFO": Segment.FNO,
    "BFO": Segment.FNO,
}
_KINDS = {
    "EQ": InstrumentKind.EQUITY,
    "FUT": InstrumentKind.FUTURE,
    "CE": InstrumentKind.CALL,
    "PE": InstrumentKind.PUT,
}


def read_instruments(dump: str) -> Iterator[Instrument]:
    """Yield the NSE, BSE, NFO and BFO rows of a dump.

    Other exchanges and unknown types are passed over. A share's segment is CASH: whether it
    also has futures shows only in the whole list. Raises BrokerUnavailableError at once for
    other columns, and later for a row that cannot be read.
    """
    rows = csv.DictReader(StringIO(dump))
    if rows.fieldnames is None or list(rows.fieldnames) != COLUMNS:
        raise BrokerUnavailableError("Kite sent an instrument list with unexpected columns.")
    return _instruments(rows)


def _instruments(rows: "csv.DictReader[str]") -> Iterator[Instrument]:
    for row in rows:
        if row["exchange"] not in _SEGMENTS or row["instrument_type"] not in _KINDS:
            continue
        try:
            instrument = _instrument(row)
        except (ValueError, InvalidOperation, TypeError):
            instrument = None
        if instrument is None:
            raise BrokerUnavailableError(
                f"Kite sent an unreadable instrument in line {rows.line_num} of its list."
            )
        yield instrument


def _instrument(row: Mapping[str, str]) -> Instrument:
    ref = InstrumentRef(row["exchange"], row["tradingsymbol"])
    kind = InstrumentKind.INDEX if row["segment"] == "INDICES" else _KINDS[row["instrument_type"]]
    index = well_known_index(ref) if kind is InstrumentKind.INDEX else None
    return Instrument(
        exchange=ref.exchange,
        tradingsymbol=ref.tradingsymbol,
        name=index.name if index else row["name"],
        kind=kind,
        segment=_SEGMENTS[ref.exchange],
        lot_size=int(row["lot_size"]),
        tick_size=Decimal(row["tick_size"]),
        expiry=date.fromisoformat(row["expiry"]) if row["expiry"] else None,
        strike=Decimal(row["strike"]) if kind.is_option else None,
        underlying=(row["name"] or None) if kind.is_derivative else None,
        kite_token=int(row["instrument_token"]),
        breeze_code=index.breeze_code if index else None,
    )
