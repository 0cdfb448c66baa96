"""What can be traded or quoted, how people name it, and the indices every desk knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Self

from munshi.domain.market.packaged_data import rows
from munshi.domain.market.sessions import Segment
from munshi.errors import InstrumentUnknownError

EXCHANGES = frozenset({"NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO"})
INDEX_TICK = Decimal("0.05")


class InstrumentKind(StrEnum):
    """Cash instruments and indices by name, contracts as the exchanges abbreviate them."""

    EQUITY = "EQ"
    INDEX = "INDEX"
    FUTURE = "FUT"
    CALL = "CE"
    PUT = "PE"

    @property
    def is_option(self) -> bool:
        return self in {InstrumentKind.CALL, InstrumentKind.PUT}

    @property
    def is_derivative(self) -> bool:
        return self.is_option or self is InstrumentKind.FUTURE


@dataclass(frozen=True, slots=True)
class InstrumentRef:
    """An instrument by exchange and trading symbol, the pair that is unique on any day."""

    exchange: str
    tradingsymbol: str

    def __str__(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NIFTY`, `NSE:NIFTY 50` or `NFO:NIFTY24D0524000CE`; case does not matter.

        Without an exchange only the well-known indices are understood. Raises
        InstrumentUnknownError.
        """
        before, colon, after = (part.strip() for part in text.upper().partition(":"))
        exchange, symbol = (before, after) if colon else ("", before)
        known = _by_name().get(symbol.replace(" ", ""))
        if known and (not colon or exchange == known.exchange):
            return cls(known.exchange, known.tradingsymbol)
        if not colon:
            raise InstrumentUnknownError(
                f"{text.strip()!r} is not a well-known index.",
                hint=f"Use {', '.join(i.name for i in well_known_indices())}, or name the "
                "exchange too, as in NSE:RELIANCE.",
            )
        if exchange not in EXCHANGES or not symbol or ":" in symbol:
            raise InstrumentUnknownError(
                f"{text.strip()!r} does not name an exchange and a symbol.",
                hint=f"Write EXCHANGE:SYMBOL with one of {', '.join(sorted(EXCHANGES))}.",
            )
        return cls(exchange, symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One row of a broker's instrument list, in words both brokers share.

    `name` is the short name people use (NIFTY), `underlying` that of a contract's underlying.
    `segment` says which trading hours apply.
    """

    exchange: str
    tradingsymbol: str
    name: str
    kind: InstrumentKind
    segment: Segment
    lot_size: int
    tick_size: Decimal
    expiry: date | None = None
    strike: Decimal | None = None
    underlying: str | None = None
    kite_token: int | None = None
    breeze_code: str | None = None
    breeze_token: str | None = None

    @property
    def ref(self) -> InstrumentRef:
        return InstrumentRef(self.exchange, self.tradingsymbol)


@cache
def well_known_indices() -> tuple[Instrument, ...]:
    return tuple(
        Instrument(
            exchange=str(row["exchange"]),
            tradingsymbol=str(row["tradingsymbol"]),
            name=str(row["name"]),
            kind=InstrumentKind.INDEX,
            segment=Segment.CASH,
            lot_size=1,
            tick_size=INDEX_TICK,
            kite_token=_token(row["kite_token"]),
            breeze_code=None if row["breeze_code"] is None else str(row["breeze_code"]),
        )
        for row in rows("indices")
    )


def well_known_index(ref: InstrumentRef) -> Instrument | None:
    return next((index for index in well_known_indices() if index.ref == ref), None)


def _token(value: object) -> int | None:
    return value if isinstance(value, int) else None


@cache
def _by_name() -> Mapping[str, Instrument]:
    """Every spelling of an index, without spaces."""
    found: dict[str, Instrument] = {}
    for index, row in zip(well_known_indices(), rows("indices"), strict=True):
        aliases = row["aliases"]
        names = [index.name, index.tradingsymbol, *(aliases if isinstance(aliases, list) else [])]
        found |= {str(name).replace(" ", ""): index for name in names}
    return found
