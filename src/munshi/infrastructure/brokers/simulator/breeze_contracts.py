"""Which instrument a Breeze request means, expired contracts included."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.errors import MarketFactUnknownError
from munshi.infrastructure.brokers.simulator.breeze_replies import BreezeRefusedError
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.universe import ROOTS, cash_instruments

RIGHTS = {"call": InstrumentKind.CALL, "put": InstrumentKind.PUT}
PRODUCTS = ("cash", "futures", "options")


def instrument_asked(
    asked: Mapping[str, object], market: Market, *, exchange_key: str = "exchange_code"
) -> Instrument | None:
    """None where ICICI would find nothing. Raises BreezeRefusedError for a field left out."""
    exchange = str(asked.get(exchange_key, "")).upper()
    code = str(asked.get("stock_code", "")).upper()
    if not exchange:
        raise BreezeRefusedError(400, "Exchange-Code cannot be empty", http=400)
    if not code:
        raise BreezeRefusedError(400, "Stock-Code cannot be empty", http=400)
    if exchange in {"NSE", "BSE"}:
        return _cash(code, exchange)
    product = str(asked.get("product_type", "")).lower()
    if product not in PRODUCTS[1:]:
        raise BreezeRefusedError(
            400, "Product-type should either be Futures or Options for NFO", http=400
        )
    return _contract(asked, code, product, market) if exchange == "NFO" else None


def _cash(code: str, exchange: str) -> Instrument | None:
    """Shares are listed on both exchanges under one code; an index belongs to one."""
    for instrument in cash_instruments():
        is_share = instrument.kind is InstrumentKind.EQUITY
        if instrument.breeze_code == code and (is_share or instrument.exchange == exchange):
            return instrument
    return None


def _contract(
    asked: Mapping[str, object], code: str, product: str, market: Market
) -> Instrument | None:
    underlying = underlying_of(code)
    expiry = expiry_asked(asked)
    if underlying is None or expiry is None:
        return None
    if not market.universe.is_expiry(underlying, expiry):
        return None
    try:
        if product == "futures":
            return market.universe.contract(underlying, expiry, InstrumentKind.FUTURE)
        kind = RIGHTS.get(str(asked.get("right", "")).lower())
        strike = _strike(asked, step=ROOTS[underlying].strike_step)
        if kind is None or strike is None:
            return None
        return market.universe.contract(underlying, expiry, kind, strike=strike)
    except MarketFactUnknownError:
        return None


def underlying_of(code: str) -> str | None:
    """`CNXBAN` -> `BANKNIFTY`; None for a code without contracts here."""
    names = {i.breeze_code: i.name for i in cash_instruments() if i.kind is InstrumentKind.INDEX}
    name = names.get(code)
    return name if name in ROOTS else None


def expiry_asked(asked: Mapping[str, object]) -> date | None:
    """`2025-02-06T07:00:00.000Z` and `06-Feb-2025` are both understood; the date alone counts."""
    text = str(asked.get("expiry_date", ""))
    try:
        if "T" in text:
            return date.fromisoformat(text.split("T", maxsplit=1)[0])
        return datetime.strptime(text, "%d-%b-%Y").date()  # noqa: DTZ007
    except ValueError:
        return None


def _strike(asked: Mapping[str, object], *, step: int) -> Decimal | None:
    try:
        strike = Decimal(str(asked.get("strike_price", "")))
    except InvalidOperation:
        return None
    return strike.to_integral_value() if strike > 0 and strike % step == 0 else None
