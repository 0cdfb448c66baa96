"""What the broker clients return, the same for both brokers where the brokers agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from munshi.domain.enums import Service
from munshi.domain.market.instruments import InstrumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedLogin:
    """A login the broker has just granted. When it dies is for `domain.sessions` to say.

    For Breeze `access_token` is the API session of the redirect and `session_token` the base64
    value that signs calls; Kite has no `session_token`. `granted_at` is the broker's clock when
    it answered, which is what the login dies by; None where it did not say.
    """

    service: Service
    user_id: str
    user_name: str
    access_token: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    granted_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Whose account a Kite login belongs to."""

    user_id: str
    user_name: str
    user_type: str
    email: str = field(repr=False)
    broker: str
    exchanges: tuple[str, ...]
    products: tuple[str, ...]
    order_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentMargin:
    """Money of one Kite segment, in rupees. `net` is the broker's own sum; do not recompute it."""

    segment: str
    enabled: bool
    net: Decimal
    cash: Decimal
    collateral: Decimal
    debits: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OhlcQuote:
    """Last price and the day's range so far, in rupees; `close` is the previous session's."""

    last_price: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A full quote in rupees. What an index or an illiquid contract lacks is None.

    `close` is the previous session's; `traded_at` is aware UTC.
    """

    last_price: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    traded_at: datetime | None
    volume: int | None
    oi: int | None
    best_bid: Decimal | None
    best_offer: Decimal | None
    lower_circuit: Decimal | None
    upper_circuit: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreezeScrip:
    """One row of ICICI's security master.

    `stock_code` is ICICI's short name (RELIND), `exchange_symbol` the exchange's (RELIANCE),
    `series` that of a share (EQ, BE).
    """

    exchange: str
    token: str
    stock_code: str
    exchange_symbol: str
    company: str
    kind: InstrumentKind
    expiry: date | None = None
    strike: Decimal | None = None
    lot_size: int | None = None
    series: str = ""
