"""What the simulated exchanges list: indices, a handful of shares, and contracts on two indices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.expiries import ExpiryKind, expiries_between, is_monthly_expiry
from munshi.domain.market.instruments import Instrument, InstrumentKind, well_known_indices
from munshi.domain.market.lots import lot_size
from munshi.domain.market.sessions import Segment
from munshi.errors import CalendarYearUnknownError, MarketFactUnknownError

TICK = Decimal("0.05")
TOKEN_EPOCH = date(2015, 1, 5)
WEEKLY_AHEAD = timedelta(days=32)
MONTHLY_AHEAD = timedelta(days=95)
STRIKES_EACH_SIDE = 40
NFO_SEGMENT = 2
NSE_SEGMENT = 1
MONTH_LETTERS = "123456789OND"
# symbol, Kite's exchange token, ICICI's code, company
SHARES = (
    ("RELIANCE", 2885, "RELIND", "RELIANCE INDUSTRIES"),
    ("INFY", 1594, "INFTEC", "INFOSYS"),
    ("SBIN", 3045, "STABAN", "STATE BANK OF INDIA"),
    ("TATASTEEL", 3499, "TATSTE", "TATA STEEL"),
    ("ICICIBANK", 4963, "ICIBAN", "ICICI BANK"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRoot:
    """An index with contracts: its number inside tokens and the distance of its strikes."""

    underlying: str
    number: int
    strike_step: int


ROOTS = {
    root.underlying: root
    for root in (
        OptionRoot(underlying="NIFTY", number=0, strike_step=50),
        OptionRoot(underlying="BANKNIFTY", number=1, strike_step=100),
    )
}


@cache
def cash_instruments() -> tuple[Instrument, ...]:
    """Indices and shares. No contract on a share is listed, so none has a closing auction."""
    indices = [
        index
        for index in well_known_indices()
        if index.name in {"NIFTY", "BANKNIFTY", "SENSEX", "INDIAVIX"}
    ]
    shares = [
        Instrument(
            exchange="NSE",
            tradingsymbol=symbol,
            name=company,
            kind=InstrumentKind.EQUITY,
            segment=Segment.CASH,
            lot_size=1,
            tick_size=TICK,
            kite_token=exchange_token * 256 + NSE_SEGMENT,
            breeze_code=code,
        )
        for symbol, exchange_token, code, company in SHARES
    ]
    return (*indices, *shares)


def index_named(name: str) -> Instrument:
    return next(index for index in well_known_indices() if index.name == name)


class Universe:
    """Contracts by the dated rules of the market; what the calendar does not know is not listed."""

    def __init__(self, calendar: MarketCalendar) -> None:
        self._calendar = calendar

    def is_expiry(self, underlying: str, day: date) -> bool:
        return day in self._expiries(underlying, day, day, ExpiryKind.WEEKLY) or (
            day in self._expiries(underlying, day, day, ExpiryKind.MONTHLY)
        )

    def expiries(self, underlying: str, day: date) -> list[date]:
        """Weekly expiries of the next month and monthly ones of the next three, in order."""
        weekly = self._expiries(underlying, day, day + WEEKLY_AHEAD, ExpiryKind.WEEKLY)
        monthly = self._expiries(underlying, day, day + MONTHLY_AHEAD, ExpiryKind.MONTHLY)
        return sorted({*weekly, *monthly})

    def listed_from(self, expiry: date) -> date:
        """The first day a contract can have prices."""
        return expiry - MONTHLY_AHEAD

    def contracts(self, underlying: str, day: date, *, spot: Decimal) -> Iterator[Instrument]:
        """Futures (monthly expiries) and the options around `spot` that trade on `day`."""
        root = ROOTS[underlying]
        middle = round(spot / root.strike_step) * root.strike_step
        for expiry in self.expiries(underlying, day):
            if is_monthly_expiry(underlying, expiry, calendar=self._calendar):
                yield self.contract(underlying, expiry, InstrumentKind.FUTURE)
            for offset in range(-STRIKES_EACH_SIDE, STRIKES_EACH_SIDE + 1):
                strike = Decimal(middle + offset * root.strike_step)
                for kind in (InstrumentKind.CALL, InstrumentKind.PUT):
                    yield self.contract(underlying, expiry, kind, strike=strike)

    def contract(
        self,
        underlying: str,
        expiry: date,
        kind: InstrumentKind,
        *,
        strike: Decimal | None = None,
    ) -> Instrument:
        """One contract with its names at both brokers. Raises MarketFactUnknownError."""
        return Instrument(
            exchange="NFO",
            tradingsymbol=self._symbol(underlying, expiry, kind, strike),
            name=underlying,
            kind=kind,
            segment=Segment.FNO,
            lot_size=lot_size(underlying, expiry),
            tick_size=TICK,
            expiry=expiry,
            strike=strike,
            underlying=underlying,
            kite_token=_token(ROOTS[underlying], expiry, kind, strike),
            breeze_code=index_named(underlying).breeze_code,
        )

    def _symbol(
        self, underlying: str, expiry: date, kind: InstrumentKind, strike: Decimal | None
    ) -> str:
        """`NIFTY24DECFUT`, monthly `NIFTY24DEC24000CE`, weekly `NIFTY24D0524000CE`."""
        month = f"{expiry:%y}{expiry.strftime('%b').upper()}"
        if strike is None:
            return f"{underlying}{month}FUT"
        if is_monthly_expiry(underlying, expiry, calendar=self._calendar):
            return f"{underlying}{month}{strike:f}{kind}"
        week = f"{expiry:%y}{MONTH_LETTERS[expiry.month - 1]}{expiry:%d}"
        return f"{underlying}{week}{strike:f}{kind}"

    def _expiries(self, underlying: str, start: date, end: date, kind: ExpiryKind) -> list[date]:
        """Shortened to the years the calendar knows."""
        while start <= end:
            try:
                return expiries_between(underlying, start, end, kind=kind, calendar=self._calendar)
            except MarketFactUnknownError:
                return []
            except CalendarYearUnknownError:
                end = min(date(end.year - 1, 12, 31), end - timedelta(days=1))
        return []


def _token(root: OptionRoot, expiry: date, kind: InstrumentKind, strike: Decimal | None) -> int:
    """Week, strike, kind and root in 24 bits, then the segment: unique while the table lasts."""
    week = (expiry - TOKEN_EPOCH).days // 7 % 1024
    place = int(strike or 0) // root.strike_step % 1024
    kinds = (InstrumentKind.FUTURE, InstrumentKind.CALL, InstrumentKind.PUT)
    exchange_token = ((week * 1024 + place) * 4 + kinds.index(kind)) * 4 + root.number
    return exchange_token * 256 + NFO_SEGMENT
