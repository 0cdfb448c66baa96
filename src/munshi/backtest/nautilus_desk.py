"""One strategy of ours at the desk of nautilus_trader: what it wants becomes market orders there.

A bar is two things that happen: its opening price when it opens, and the bar itself when it has
closed, where the strategy decides. (For fills at the close, its closing price just before; for
fills by bid and ask, the quotes as they came instead.)
Nautilus keeps the orders, the position and the account; this keeps what was wanted and when.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.strategy import Strategy as NautilusStrategy

from munshi.backtest.nautilus_models import (
    INR,
    DatedCharges,
    instant_of,
    paise_of,
    side_of,
)
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.engine import Request, Strategy, Target
from munshi.domain.backtest.equity import EquityCurve
from munshi.domain.backtest.fills import Tradable
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.rules import (
    check_capital,
    closing,
    decision,
    has_lapsed,
    opening,
    price_way_out,
)
from munshi.domain.market.candles import Candle, to_paise
from munshi.domain.market.charges import Side

_ENTRY_AND_EXIT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the desk trades, and what is told it of each bar."""

    instrument: Instrument
    bar_type: BarType
    charges: DatedCharges


class NautilusDesk(NautilusStrategy):  # type: ignore[misc]
    """Told of each bar's price and then of the bar, for all bars in their order."""

    def __init__(
        self, request: Request, strategy: Strategy, place: Place, closes: Sequence[datetime]
    ) -> None:
        super().__init__(StrategyConfig(strategy_id="DESK-1"))
        self._request = request
        self._decider = strategy
        self._place = place
        self._closes = closes
        self._closed = ClosedBars(request.bars)
        self._prices = request.prices()
        self._every = self._prices.every(request.bars, closes)
        first = request.bars[0].opens
        self._price = Tradable(starts=first, at=first, bid=0, offer=0)
        self._wanted = Target.FLAT
        self._decided_at = request.bars[0].opens
        self._opened_by = self._decided_at
        self._openings: dict[ClientOrderId, datetime] = {}
        self._legs: list[LegFill] = []
        self._lapsed: Trade | None = None
        self.trades: list[Trade] = []
        self.curve = EquityCurve()

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self._place.instrument.id)
        self.subscribe_bars(self._place.bar_type)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """A price at which orders can be filled; without a book it is the same on both sides."""
        price = self._price = replace(
            next(self._every), bid=paise_of(tick.bid_price), offer=paise_of(tick.ask_price)
        )
        held = self._held()
        if self._wanted is held or price.starts < self._decided_at:
            return
        if self._is_late(price.starts):
            self._lapsed = self._give_up()
        if held is not Target.FLAT:
            self._send(closing(held))
        else:
            self._list_lapsed()
        if self._wanted is not Target.FLAT:
            side = opening(self._wanted)
            check_capital(self._request, price.quoted(side))
            self._openings[self._send(side)] = self._decided_at

    def on_order_filled(self, event: OrderFilled) -> None:
        if event.client_order_id in self._openings:
            self._opened_by = self._openings.pop(event.client_order_id)
        self._legs.append(
            LegFill(
                instrument=self._request.order.instrument,
                side=side_of(event.order_side),
                quantity=int(event.last_qty),
                quoted=self._price.quoted(side_of(event.order_side)),
                price=paise_of(event.last_px),
                at=instant_of(event.ts_event),
                cost=self._place.charges.take(event.client_order_id),
            )
        )
        if len(self._legs) == _ENTRY_AND_EXIT:
            self._finish(TradeEnd.CLOSED)
            self._list_lapsed()

    def on_bar(self, bar: Bar) -> None:
        """It has closed: the account is marked, then the strategy decides."""
        ours = self._closed.close_next()
        closes = self._closes[len(self._closed) - 1]
        account = self.cache.account_for_venue(self._place.instrument.id.venue)
        equity = paise_of(account.balance_total(INR)) + self._unrealized(bar.close)
        worth = self._worth(ours)
        self.curve.append(closes, equity - worth, worth)
        if self._is_late(self._prices.looked_until(ours, closes)):
            self.trades.append(self._give_up())
        wanted = decision(self._decider, self._closed)
        if wanted is not None and wanted is not self._wanted:
            self._wanted, self._decided_at = wanted, closes

    def settle(self) -> str | None:
        """After the last bar: mark what is open, list what found no price, price the way out."""
        held, way_out = self._held(), None
        if held is not Target.FLAT:
            way_out = price_way_out(self._request, held)
            self._finish(TradeEnd.OPEN_AT_END, mark=self._worth(self._request.bars[-1]))
        if self._wanted not in {held, Target.FLAT}:
            self.trades.append(self._give_up())
        return way_out

    def _send(self, side: Side) -> ClientOrderId:
        order = self.order_factory.market(
            self._place.instrument.id,
            OrderSide.BUY if side is Side.BUY else OrderSide.SELL,
            Quantity.from_int(self._request.sizing.quantity),
        )
        self.submit_order(order)
        return order.client_order_id

    def _finish(self, end: TradeEnd, *, mark: int = 0) -> None:
        self.trades.append(
            Trade(decided_at=self._opened_by, end=end, legs=tuple(self._legs), mark=mark)
        )
        self._legs = []

    def _is_late(self, at: datetime) -> bool:
        """Whether an order to open would be too late `at`."""
        is_opening = self._wanted not in {self._held(), Target.FLAT}
        return is_opening and has_lapsed(self._request, self._decided_at, at)

    def _give_up(self) -> Trade:
        self._wanted = Target.FLAT
        return Trade(decided_at=self._decided_at, end=TradeEnd.UNPRICED, legs=())

    def _list_lapsed(self) -> None:
        """After the trade that the same bar closed."""
        if self._lapsed is not None:
            self.trades.append(self._lapsed)
            self._lapsed = None

    def _held(self) -> Target:
        units = self._units()
        return Target((units > 0) - (units < 0))

    def _units(self) -> int:
        return int(self.portfolio.net_position(self._place.instrument.id))

    def _worth(self, bar: Candle) -> int:
        return self._units() * to_paise(bar.close)

    def _unrealized(self, price: Price) -> int:
        held = self.cache.positions_open(instrument_id=self._place.instrument.id)
        return sum(paise_of(position.unrealized_pnl(price)) for position in held)
