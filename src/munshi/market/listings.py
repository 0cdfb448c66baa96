"""Both brokers' lists under the exchange's own names, so that their rows meet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from munshi.domain.market.contract_names import contract_name
from munshi.domain.market.instruments import Instrument, InstrumentKind, well_known_indices
from munshi.domain.market.sessions import Segment
from munshi.errors import MasterRefusedError
from munshi.infrastructure.brokers.results import BreezeScrip

_TICK = Decimal("0.05")
_MAIN_SERIES = frozenset({"EQ", "0", ""})
Listings = Mapping[str, Sequence[Instrument]]


def with_auctions(listings: Listings) -> dict[str, list[Instrument]]:
    """Shares that contracts are written on trade by the hours of the closing auction."""
    underlyings = {one.underlying for found in listings.values() for one in found}
    return {
        exchange: [_with_auction(one) if _is_share(one, underlyings) else one for one in found]
        for exchange, found in listings.items()
    }


def from_security_master(scrips: Iterable[BreezeScrip]) -> list[Instrument]:
    """ICICI's rows of one exchange, each symbol once; without a code where several claim it.

    The master names no trading symbol for contracts, so it is made from their terms: the last
    expiry of a month is the monthly one. A share of another series than the main one is spelled
    as Kite spells it. Raises MasterRefusedError for a row that is there twice.
    """
    rows = list(scrips)
    names = {index.breeze_code: index.name for index in well_known_indices() if index.breeze_code}
    monthly: dict[tuple[str, int, int], date] = {}
    for row in rows:
        if row.expiry is not None:
            month = (row.stock_code, row.expiry.year, row.expiry.month)
            monthly[month] = max(row.expiry, monthly.get(month, row.expiry))
    found: dict[str, Instrument] = {}
    for row in rows:
        instrument = _contract(row, names, monthly) if row.expiry is not None else _share(row)
        other = found.setdefault(instrument.tradingsymbol, instrument)
        if other is not instrument:
            if other == instrument:
                raise MasterRefusedError(
                    f"Breeze's security master names {instrument.ref} twice, by the same token."
                )
            found[instrument.tradingsymbol] = replace(other, breeze_code=None)
    return list(found.values())


def _share(row: BreezeScrip) -> Instrument:
    has_suffix = row.exchange == "NSE" and row.series not in _MAIN_SERIES
    symbol = f"{row.exchange_symbol}-{row.series}" if has_suffix else row.exchange_symbol
    return Instrument(
        exchange=row.exchange,
        tradingsymbol=symbol,
        name=row.company or row.exchange_symbol,
        kind=row.kind,
        segment=Segment.CASH,
        lot_size=row.lot_size or 1,
        tick_size=_TICK,
        breeze_code=row.stock_code,
        breeze_token=row.token,
    )


def _contract(
    row: BreezeScrip, names: Mapping[str, str], monthly: Mapping[tuple[str, int, int], date]
) -> Instrument:
    expiry = row.expiry or date.min
    underlying = names.get(row.stock_code, row.exchange_symbol)
    is_monthly = expiry == monthly[row.stock_code, expiry.year, expiry.month]
    return Instrument(
        exchange=row.exchange,
        tradingsymbol=contract_name(
            underlying, expiry, row.kind, strike=row.strike, is_monthly=is_monthly
        ),
        name=underlying,
        kind=row.kind,
        segment=Segment.FNO,
        lot_size=row.lot_size or 1,
        tick_size=_TICK,
        expiry=expiry,
        strike=row.strike,
        underlying=underlying,
        breeze_code=row.stock_code,
        breeze_token=row.token,
    )


def _is_share(instrument: Instrument, underlyings: set[str | None]) -> bool:
    return instrument.kind is InstrumentKind.EQUITY and instrument.tradingsymbol in underlyings


def _with_auction(share: Instrument) -> Instrument:
    return replace(share, segment=Segment.CASH_CAS)
