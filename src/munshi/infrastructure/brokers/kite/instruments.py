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
from munshi.errors import MasterRefusedError

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
_DAY_LENGTH = len("2026-11-24")
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


def read_instruments(dump: str, *, exchange: str | None = None) -> Iterator[Instrument]:
    """Yield the NSE, BSE, NFO and BFO rows of a dump, which is all of `exchange` if that is given.

    Other exchanges and unknown types are passed over. A share's segment is CASH: whether it
    also has futures shows only in the whole list. Raises MasterRefusedError at once for
    missing columns, and later for a row that cannot be read.
    """
    rows = csv.DictReader(StringIO(dump))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise MasterRefusedError(
            f"Kite sent an instrument list with unexpected columns: it lacks {', '.join(missing)}."
        )
    return _instruments(rows, exchange)


def _instruments(rows: "csv.DictReader[str]", exchange: str | None) -> Iterator[Instrument]:
    for row in rows:
        # A last line that was cut off has fewer cells, or an exchange that is cut short.
        if None in row.values() or None in row or exchange not in {None, row["exchange"]}:
            raise _unreadable(rows, "it is not of the shape of the others, as if cut off")
        if row["exchange"] not in _SEGMENTS or row["instrument_type"] not in _KINDS:
            continue
        try:
            instrument = _instrument(row)
        except (ValueError, InvalidOperation, TypeError) as error:
            raise _unreadable(rows, str(error) or "a number is none") from None
        yield instrument


def _unreadable(rows: "csv.DictReader[str]", why: str) -> MasterRefusedError:
    return MasterRefusedError(
        f"Kite sent an unreadable instrument in line {rows.line_num} of its list: {why}."
    )


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
        expiry=_expiry(row["expiry"]),
        strike=Decimal(row["strike"]) if kind.is_option else None,
        underlying=(row["name"] or None) if kind.is_derivative else None,
        kite_token=int(row["instrument_token"]),
        breeze_code=index.breeze_code if index else None,
    )


def _expiry(text: str) -> date | None:
    """`2026-11-24`, and nothing with an hour or a zone: in another zone it is another day."""
    if text and len(text) != _DAY_LENGTH:
        raise ValueError(f"the expiry {text!r} is no plain day")
    return date.fromisoformat(text) if text else None
