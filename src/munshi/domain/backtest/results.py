"""What a backtest comes to, and the hash by which two results are the same."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from munshi.domain.backtest.costs import LegCost
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.market.charges import Side

_NO_POINTS, _NO_TRADES = '"equity":[]', '"trades":[]'


class FillModel(StrEnum):
    """At which price an order is filled.

    Of the first bar that opens after the decision the open or the close, or of the first stored
    quote after it the offer, where it buys, or the bid.
    """

    NEXT_OPEN = "next_open"
    NEXT_CLOSE = "next_close"
    BID_ASK = "bid_ask"


class TradeEnd(StrEnum):
    """How a trade ended; `open_at_end` is marked to the last price, `unpriced` counts nothing."""

    CLOSED = "closed"
    OPEN_AT_END = "open_at_end"
    UNPRICED = "unpriced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """`quantity` is the units of every order, `capital` the paise at the start."""

    capital: int
    lots: int
    lot_size: int

    @property
    def quantity(self) -> int:
        return self.lots * self.lot_size


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFill:
    """One executed order; `price` has the slippage in it that `quoted` has not. Paise."""

    instrument: str
    side: Side
    quantity: int
    quoted: int
    price: int
    at: datetime
    cost: LegCost

    @property
    def cash(self) -> int:
        """What the order adds to the cash, before its cost."""
        value = self.price * self.quantity
        return value if self.side is Side.SELL else -value

    @property
    def slippage(self) -> int:
        return abs(self.price - self.quoted) * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """From flat to flat. `mark` is what an open position was worth at the end, in paise.

    An unpriced one counts nothing, although it may have orders: a way out found no price.
    `signal` is the weekly signal that opened it and `expiry` that of its contracts, where there
    are such.
    """

    decided_at: datetime
    end: TradeEnd
    legs: tuple[LegFill, ...]
    mark: int = 0
    signal: str | None = None
    expiry: date | None = None

    @property
    def gross(self) -> int:
        """Profit with slippage, before charges."""
        if self.end is TradeEnd.UNPRICED:
            return 0
        return sum(leg.cash for leg in self.legs) + self.mark

    @property
    def costs(self) -> int:
        if self.end is TradeEnd.UNPRICED:
            return 0
        return sum(leg.cost.total for leg in self.legs)

    @property
    def net(self) -> int:
        return self.gross - self.costs


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    engine: str
    version: str
    fill_model: FillModel
    sizing: Sizing
    trades: tuple[Trade, ...]
    equity: EquityCurve
    assumptions: tuple[str, ...]

    @property
    def net(self) -> int:
        return sum(trade.net for trade in self.trades)

    def canonical(self) -> bytes:
        """Everything but the engine's name and version, always in the same bytes."""
        return "".join(self._texts()).encode()

    def around_equity(self) -> tuple[str, str]:
        """What stands before and after the points of the curve in `canonical`."""
        document = {**_fields(self), "equity": []}
        del document["engine"], document["version"]
        text = canonical_json(document)
        # No other place can match: inside a text a quotation mark has a backslash before it.
        begin, _, end = text.partition(_NO_POINTS)
        return f"{begin}{_NO_POINTS[:-1]}", f"]{end}"

    def digest(self) -> bytes:
        """The SHA-256 of `canonical`, which is never held whole."""
        sha = hashlib.sha256()
        for text in self._texts():
            sha.update(text.encode())
        return sha.digest()

    def _texts(self) -> Iterator[str]:
        begin, end = replace(self, trades=()).around_equity()
        between, start, end = end.partition(_NO_TRADES[:-1])
        yield begin
        yield from self.equity.texts()
        yield between + start
        for number, trade in enumerate(self.trades):
            yield ("," if number else "") + canonical_json(_fields(trade))
        yield end


def canonical_json(value: object) -> str:
    """Always the same text for the same value; instants are in UTC."""
    return _JSON.encode(value)


def _fields(value: object) -> dict[str, object]:
    """As `asdict`, which copies what cannot change, too: that took most of the time."""
    slots: tuple[str, ...] = getattr(value, "__slots__", ())
    return {name: _told(getattr(value, name)) for name in slots}


def _told(value: object) -> object:
    if isinstance(value, tuple):
        return [_told(each) for each in value]
    return _fields(value) if is_dataclass(value) else value


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a result")


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=True)
