"""The room in which Breeze streams an instrument: `4.1!2885`, exchange, kind of feed, token."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.errors import InstrumentNotServedError
from munshi.infrastructure.brokers.breeze.security_master import SecurityMaster
from munshi.infrastructure.brokers.results import BreezeScrip

# Breeze documentation, "Streaming": X of `X.Y!token`; Y is 1 for quotes.
_EXCHANGES: Mapping[str, int] = MappingProxyType({"BSE": 1, "NSE": 4, "NFO": 4, "BFO": 8})
# Kite's token of an NSE or NFO instrument holds the exchange's own, which Breeze uses, too.
_TOKEN_BITS = 8


def find_rooms(
    instruments: Sequence[Instrument], *, security_master: Callable[[], SecurityMaster]
) -> list[str]:
    """One room an instrument. ICICI's list is asked for only where Kite's does not tell.

    Raises InstrumentNotServedError, and what the broker's client raises.
    """
    missing = {each.exchange for each in instruments if _token(each) is None}
    scrips: dict[tuple[object, ...], str] = {}
    if missing:
        master = security_master()
        for exchange in sorted(missing & _EXCHANGES.keys()):
            scrips |= {_place(scrip): scrip.token for scrip in master.scrips(exchange)}
    return [_room(each, scrips) for each in instruments]


def _room(instrument: Instrument, scrips: Mapping[tuple[object, ...], str]) -> str:
    exchange = _EXCHANGES.get(instrument.exchange)
    token = _token(instrument) or scrips.get(
        (
            instrument.exchange,
            instrument.breeze_code,
            instrument.kind,
            instrument.expiry,
            instrument.strike if instrument.kind.is_option else None,
        )
    )
    if exchange is None or token is None:
        raise InstrumentNotServedError(
            f"Breeze streams no {instrument.ref}.",
            hint="Refresh the instruments: munshi data instruments --refresh breeze",
        )
    return f"{exchange}.1!{token}"


def _token(instrument: Instrument) -> str | None:
    """An index goes by its name."""
    if instrument.kind is InstrumentKind.INDEX:
        return instrument.tradingsymbol
    if instrument.kite_token is not None and instrument.exchange in {"NSE", "NFO"}:
        return str(instrument.kite_token >> _TOKEN_BITS)
    return None


def _place(scrip: BreezeScrip) -> tuple[object, ...]:
    strike = scrip.strike if scrip.kind.is_option else None
    return scrip.exchange, scrip.stock_code, scrip.kind, scrip.expiry, strike
