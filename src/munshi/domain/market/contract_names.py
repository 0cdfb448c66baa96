"""How the exchanges spell futures and options, from the terms of the contract."""

from datetime import date
from decimal import Decimal

from munshi.domain.market.instruments import InstrumentKind

# One character a month, so that a weekly name stays as long as a monthly one.
_MONTHS = "123456789OND"


def contract_name(
    underlying: str,
    expiry: date,
    kind: InstrumentKind,
    *,
    strike: Decimal | None,
    is_monthly: bool,
) -> str:
    """`NIFTY24DECFUT`, monthly `NIFTY24DEC24000CE`, weekly `NIFTY24D0524000CE`."""
    month = f"{expiry:%y}{expiry.strftime('%b').upper()}"
    if not kind.is_option:
        return f"{underlying}{month}{kind}"
    term = month if is_monthly else f"{expiry:%y}{_MONTHS[expiry.month - 1]}{expiry:%d}"
    return f"{underlying}{term}{_plain(strike or Decimal(0))}{kind}"


def _plain(strike: Decimal) -> str:
    """`23200`, `127.5`: no exponent and no trailing zeros."""
    text = f"{strike:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
