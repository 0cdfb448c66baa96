"""A strategy of options at the desk of nautilus_trader: its legs become market orders there.

Nautilus tells prices and bars in the order of time, fills the orders, and keeps a position for
each leg and the account. This keeps which legs belong together and what they wait for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar, QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, PositionId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.trading.strategy import Strategy as NautilusStrategy

from munshi.backtest.nautilus_models import INR, instant_of, paise_of, price_of, side_of
from munshi.backtest.nautilus_option_feed import OptionFeed
from munshi.backtest.nautilus_option_models import SECOND, SETTLEMENT, Moment, OptionCharges
from munshi.backtest.nautilus_option_trades import DeskLeg, DeskTrade, Group
from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.costs import cost_of_leg
from munshi.domain.backtest.engine import Strategy
from munshi.domain.backtest.options.capital import check_lot
from munshi.domain.backtest.options.engine import orders_of
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.orders import Enter, Exit, Leg
from munshi.domain.backtest.options.timeline import Timeline
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.rules import decided
from munshi.domain.market.charges import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """An order on its way, by the price that was told `at`; without a group it is a settlement."""

    trade: DeskTrade
    leg: DeskLeg
    group: Group | None
    quoted: int
    at: datetime


class OptionDesk(NautilusStrategy):  # type: ignore[misc]
    """Told of the index bar by bar, and of the contracts that it asks `feed` for."""

    def __init__(
        self,
        request: OptionRequest,
        strategy: Strategy,
        timeline: Timeline,
        charges: OptionCharges,
        feed: OptionFeed,
    ) -> None:
        super().__init__(StrategyConfig(strategy_id="DESK-1"))
        self._request = request
        self._market = request.market
        self._decider = strategy
        self._timeline = timeline
        self._charges = charges
        self._feed = feed
        self._index = feed.bar_type(feed.index)
        self._closed = ClosedBars(request.bars)
        self._ticks: dict[InstrumentId, QuoteTick] = {}
        self._open: list[DeskTrade] = []
        self._entered: list[tuple[DeskTrade, list[int]]] = []
        self._sent: dict[ClientOrderId, _Sent] = {}
        self._ended: list[tuple[int, Trade]] = []
        self._subscribed: set[InstrumentId] = set()
        self._count = 0
        self._struck = 0
        self.cash: list[int] = []
        self.positions: list[int] = []

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Those that ended, in the order in which they were decided."""
        return tuple(trade for _, trade in sorted(self._ended, key=lambda each: each[0]))

    def on_start(self) -> None:
        self.subscribe_bars(self._index)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """At which it can be traded, or what it settles at."""
        if tick.ts_init % SECOND == Moment.SETTLES:
            self._settle(tick)
            return
        self._ticks[tick.instrument_id] = tick
        told = {instrument: each.ts_event for instrument, each in self._ticks.items()}
        for trade in tuple(self._open):
            for group in tuple(trade.groups()):
                if group.is_ready(tick.ts_event, told):
                    self._trade_together(trade, group)

    def on_bar(self, bar: Bar) -> None:
        if bar.bar_type == self._index:
            self._close_bar()
            return
        price = paise_of(bar.close)
        for trade in self._open:
            for leg in trade.legs:
                if leg.instrument == bar.bar_type.instrument_id:
                    leg.mark, leg.is_fresh = price, True

    def on_order_filled(self, event: OrderFilled) -> None:
        sent = self._sent.pop(event.client_order_id)
        trade, leg, group = sent.trade, sent.leg, sent.group
        fill = LegFill(
            instrument=leg.contract.instrument,
            side=side_of(event.order_side),
            quantity=int(event.last_qty),
            quoted=sent.quoted,
            price=paise_of(event.last_px),
            at=sent.at,
            cost=self._charges.take(event.client_order_id),
        )
        trade.keep(fill, leg, group, bars=len(self._closed))
        if group is not None and group.is_entry:
            leg.entry, leg.mark = fill.price, fill.quoted
            trade.legs.append(leg)
            return
        trade.legs.remove(leg)
        if not trade.legs:
            self._end(trade, TradeEnd.CLOSED)

    def end(self) -> int | None:
        """Mark what is open and list what waits; what getting out would cost in paise."""
        way_out = None
        for trade in tuple(self._open):
            if trade.entry is not None:
                self._end(trade, TradeEnd.UNPRICED)
                continue
            way_out = (way_out or 0) + sum(self._way_out(leg) for leg in trade.legs)
            self._end(trade, TradeEnd.OPEN_AT_END)
        return way_out

    def _close_bar(self) -> None:
        """A bar of the index has closed: the account is marked, then stops and strategy decide."""
        bar = self._closed.close_next()
        number = len(self._closed) - 1
        now, at = self._timeline.ends[number], self._timeline.instants[number]
        for trade, quoted in self._entered:
            legs = zip((leg.side for leg in trade.wanted), quoted, strict=True)
            lot = trade.wanted[0].contract.lot_size
            check_lot(self._request, legs, lot=lot, close=bar.close)
        self._entered.clear()
        for trade in tuple(self._open):
            if trade.is_too_late(now):
                self._end(trade, TradeEnd.UNPRICED)
        self._mark()
        for trade in self._open:
            for legs_out in tuple(trade.stopped()):
                self._leave(trade, legs_out, at)
            for leg in trade.legs:
                leg.is_fresh = False
        for order in decided(self._decider, self._closed, orders_of):
            if isinstance(order, Enter):
                self._enter(order, at)
            else:
                self._exit(order, at)

    def _mark(self) -> None:
        """What the account holds, with what open positions have gained, without what is struck."""
        account = self.cache.account_for_venue(self._feed.index.venue)
        equity, worth = paise_of(account.balance_total(INR)) - self._struck, 0
        for trade in self._open:
            for leg in trade.legs:
                position = self.cache.position(leg.position)
                equity += paise_of(position.unrealized_pnl(price_of(leg.mark)))
                worth += leg.worth
        self.cash.append(equity - worth)
        self.positions.append(worth)

    def _enter(self, order: Enter, at: datetime) -> None:
        if order.only_when_flat and self._open:
            return
        if any(trade.order.name == order.name for trade in self._open):
            return
        opens = self._market.first_fill(at)
        expiry = self._market.expiry_after(opens, order.expiry)
        days = (expiry - opens.astimezone(IST).date()).days
        if order.max_days is not None and days > order.max_days:
            return
        trade = DeskTrade(
            number=self._count,
            order=order,
            decided_at=at,
            expiry=expiry,
            settles=int(self._market.settles_at(expiry).timestamp()),
            wanted=[
                self._list(place, each, expiry, opens) for place, each in enumerate(order.legs)
            ],
        )
        self._count += 1
        self._open.append(trade)
        trade.wait_in(opens=int(opens.timestamp()), deadline=self._deadline(trade, opens))

    def _list(self, place: int, wanted: Leg, expiry: date, opens: datetime) -> DeskLeg:
        """One leg of the trade that is next, whose prices are told from now on."""
        contract = self._market.contract(wanted.kind, wanted.strike, expiry)
        track = self._market.track(contract, self._request.span)
        instrument = self._feed.instrument(contract)
        if instrument not in self._subscribed:
            self._subscribed.add(instrument)
            self.subscribe_quote_ticks(instrument)
            self.subscribe_bars(self._feed.bar_type(instrument))
        self._feed.tell(contract, track, since=int(opens.timestamp()))
        return DeskLeg(
            place=place,
            contract=contract,
            instrument=instrument,
            position=PositionId(f"{self._count}-{place}"),
            side=wanted.side,
            quantity=self._request.sizing.lots * contract.lot_size,
        )

    def _exit(self, order: Exit, at: datetime) -> None:
        """An entry that has found no price yet is withdrawn."""
        for trade in self._open:
            if trade.order.name == order.name:
                if trade.entry is None:
                    self._leave(trade, trade.legs, at)
                else:
                    self._end(trade, TradeEnd.UNPRICED)
                return

    def _leave(self, trade: DeskTrade, legs: Sequence[DeskLeg], at: datetime) -> None:
        opens = self._market.first_fill(at)
        trade.wait_out(legs, opens=int(opens.timestamp()), deadline=self._deadline(trade, opens))

    def _deadline(self, trade: DeskTrade, opens: datetime) -> int:
        deadline = self._market.deadline(opens, self._request.max_wait)
        return min(int(deadline.timestamp()), trade.settles - 1)

    def _trade_together(self, trade: DeskTrade, group: Group) -> None:
        ticks = [self._ticks[leg.instrument] for leg in group.legs]
        sides = [leg.side if group.is_entry else leg.way_out for leg in group.legs]
        quoted = [_quoted(tick, side) for tick, side in zip(ticks, sides, strict=True)]
        if group.is_entry:
            trade.entry = None
            self._entered.append((trade, quoted))
        else:
            trade.exits.remove(group)
        for leg, side, tick, price in zip(group.legs, sides, ticks, quoted, strict=True):
            at = instant_of(tick.ts_init)
            self._send(_Sent(trade=trade, leg=leg, group=group, quoted=price, at=at), side)

    def _settle(self, tick: QuoteTick) -> None:
        """Who holds it is paid, or pays, by an order that costs no more than its exercise."""
        price, at = paise_of(tick.ask_price), instant_of(tick.ts_init)
        for trade in self._open:
            for leg in trade.legs:
                if leg.instrument == tick.instrument_id:
                    sent = _Sent(trade=trade, leg=leg, group=None, quoted=price, at=at)
                    self._send(sent, leg.way_out, tags=[SETTLEMENT])

    def _send(self, sent: _Sent, side: Side, *, tags: list[str] | None = None) -> None:
        leg = sent.leg
        order = self.order_factory.market(
            leg.instrument,
            OrderSide.BUY if side is Side.BUY else OrderSide.SELL,
            Quantity.from_int(leg.quantity),
            tags=tags,
        )
        self._sent[order.client_order_id] = sent
        self.submit_order(order, position_id=leg.position)

    def _end(self, trade: DeskTrade, end: TradeEnd) -> None:
        self._open.remove(trade)
        for leg in trade.wanted:
            self._feed.let_go(leg.contract)
            if end is TradeEnd.UNPRICED:
                # It counts nothing, so what it did to the account is taken out of the curve.
                position = self.cache.position(leg.position)
                if position is not None:
                    self._struck += paise_of(position.realized_pnl)
        self._ended.append((trade.number, trade.ended(end)))

    def _way_out(self, leg: DeskLeg) -> int:
        """What getting out of `leg` at its last price would cost in paise."""
        order, quoted = self._request.order, leg.mark
        price = order.slipped(quoted, leg.way_out)
        cost = cost_of_leg(
            self._timeline.instants[-1].astimezone(IST).date(),
            order.kind,
            leg.way_out,
            price=price,
            quantity=leg.quantity,
            brokerage=order.brokerage,
            exchange=order.exchange,
        )
        return abs(price - quoted) * leg.quantity + cost.total


def _quoted(tick: QuoteTick, side: Side) -> int:
    return paise_of(tick.ask_price if side is Side.BUY else tick.bid_price)
