"""How Breeze names what it quotes: ICICI's code, the exchange, and the contract's terms."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Self

from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.errors import InstrumentUnknownError

_RIGHTS = {InstrumentKind.CALL: "call", InstrumentKind.PUT: "put"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreezeContract:
    """`product_type` is cash, futures or options; `right` call, put or, for futures, others."""

    stock_code: str
    exchange_code: str
    product_type: str = "cash"
    expiry: date | None = None
    right: str | None = None
    strike: Decimal | None = None

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """The contract Breeze knows `instrument` as.

        Raises InstrumentUnknownError where ICICI's code is not known.
        """
        if instrument.breeze_code is None:
            raise InstrumentUnknownError(
                f"ICICI's code for {instrument.ref} is not known.",
                hint="Collect it from Kite, or refresh the instruments.",
            )
        if not instrument.kind.is_derivative:
            return cls(stock_code=instrument.breeze_code, exchange_code=instrument.exchange)
        return cls(
            stock_code=instrument.breeze_code,
            exchange_code=instrument.exchange,
            product_type="options" if instrument.kind.is_option else "futures",
            expiry=instrument.expiry,
            right=_RIGHTS.get(instrument.kind, "others"),
            strike=instrument.strike if instrument.kind.is_option else Decimal(0),
        )

    def terms(self) -> dict[str, str]:
        """The fields both API versions share, those of a contract left out for cash."""
        found = {"product_type": self.product_type}
        if self.expiry is not None:
            # The documentation's samples name 07:00; only the date is read.
            found["expiry_date"] = f"{self.expiry.isoformat()}T07:00:00.000Z"
        if self.right is not None:
            found["right"] = self.right
        if self.strike is not None:
            found["strike_price"] = _plain(self.strike)
        return found


def _plain(strike: Decimal) -> str:
    """`23200`, `127.5`: no exponent and no trailing zeros."""
    text = f"{strike:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
