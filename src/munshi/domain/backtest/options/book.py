"""Cash, the trades that are open and those that ended, bar after bar of the underlying."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from operator import add

from munshi.clock import IST
from munshi.domain.backtest.costs import NO_COST, LegCost, cost_of_exercise, cost_of_leg
from munshi.domain.backtest.options.capital import check_lot
from munshi.domain.backtest.options.fills import leg_prices
from munshi.domain.backtest.options.held import HeldLeg, HeldTrade, Waiting
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.orders import Enter, Exit
from munshi.domain.backtest.options.settlement import settlement_value
from munshi.domain.backtest.options.timeline import Timeline
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.market.charges import ChargeKind, Side

# Paise, and for how many bars it stayed so.
CashRun = tuple[int, int]


class Book:
    """What happens at each close comes in one order: fills, expiries, the mark, stops."""

    def __init__(self, request: OptionRequest, timeline: Timeline) -> None:
        self._request = request
        self._timeline = timeline
        self._market = request.market
        self._prices = leg_prices(request)
        self._cash = request.sizing.capital
        self._open: list[HeldTrade] = []
        self._ended: list[tuple[int, Trade]] = []
        self._count = 0
        self._way_out = 0
        self._cash_runs: list[CashRun] = []
        self.position_curve: list[int] = []

    @property
    def cash_runs(self) -> Sequence[CashRun]:
        return self._cash_runs

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Those that ended, in the order in which they were decided."""
        return tuple(trade for _, trade in sorted(self._ended, key=lambda each: each[0]))

    def close(self, begin: int, until: int) -> None:
        """The bars of the underlying from `begin` up to, not including, `until` have closed."""
        number = begin
        while number < until:
            quiet = self._quiet_until(number, until)
            if quiet > number:
                self._mark(number, quiet)
                number = quiet
            else:
                self._close(number)
                number += 1

    def _close(self, number: int) -> None:
        now, at = self._timeline.ends[number], self._timeline.instants[number]
        position = 0
        if self._open:
            for trade in tuple(self._open):
                if not trade.is_quiet(now):
                    self._advance(trade, number, now)
            for trade in self._open:
                for leg in trade.legs:
                    leg.advance(now)
                    position += leg.worth
            for trade in self._open:
                if trade.has_stops:
                    self._stop(trade, at)
        self.position_curve.append(position)
        self._keep_cash(1)

    def _quiet_until(self, number: int, until: int) -> int:
        """Up to which bar every open trade is but marked."""
        for trade in self._open:
            if not trade.is_only_marked:
                return number
            until = bisect_left(self._timeline.ends, trade.settles, number, until)
        return until

    def _mark(self, begin: int, until: int) -> None:
        positions = [0] * (until - begin)
        for trade in self._open:
            for leg in trade.legs:
                worths = self._timeline.worths(leg, begin, until)
                positions = list(map(add, positions, worths))
                leg.advance(self._timeline.ends[until - 1])
        self.position_curve += positions
        self._keep_cash(len(positions))

    def _keep_cash(self, bars: int) -> None:
        runs = self._cash_runs
        if runs and runs[-1][0] == self._cash:
            bars += runs.pop()[1]
        runs.append((self._cash, bars))

    def enter(self, order: Enter, at: datetime) -> None:
        """Decided at `at`. Raises MarketFactUnknownError, CalendarYearUnknownError."""
        if order.only_when_flat and self._open:
            return
        if any(trade.order.name == order.name for trade in self._open):
            return
        fill = self._market.first_fill(at)
        expiry = self._market.expiry_after(fill, order.expiry)
        days = (expiry - fill.astimezone(IST).date()).days
        if order.max_days is not None and days > order.max_days:
            return
        legs = []
        for wanted in order.legs:
            contract = self._market.contract(wanted.kind, wanted.strike, expiry)
            legs.append(
                HeldLeg(
                    contract=contract,
                    track=self._market.track(contract, self._request.span),
                    side=wanted.side,
                    quantity=self._request.sizing.lots * contract.lot_size,
                )
            )
        trade = HeldTrade(
            number=self._count,
            order=order,
            decided_at=at,
            expiry=expiry,
            settles=int(self._market.settles_at(expiry).timestamp()),
            entry=self._wait(legs, fill),
        )
        self._count += 1
        self._open.append(trade)

    def exit(self, order: Exit, at: datetime) -> None:
        """Decided at `at`; an entry that has found no price yet is withdrawn."""
        for trade in self._open:
            if trade.order.name == order.name:
                if trade.entry is None:
                    self._leave(trade, trade.legs, at)
                else:
                    self._end(trade, TradeEnd.UNPRICED)
                return

    def end(self, at: datetime) -> int | None:
        """Mark what is open and list what waits; what getting out would cost in paise."""
        marked = False
        for trade in tuple(self._open):
            if trade.entry is not None:
                self._end(trade, TradeEnd.UNPRICED)
                continue
            marked = True
            for leg in trade.legs:
                fill = self._fill(leg, leg.way_out, leg.mark, at)
                self._way_out += fill.slippage + fill.cost.total
            self._end(trade, TradeEnd.OPEN_AT_END, mark=sum(leg.worth for leg in trade.legs))
        return self._way_out if marked else None

    def _advance(self, trade: HeldTrade, number: int, now: int) -> None:
        if trade.entry is not None:
            if self._prices.is_known(trade.entry, now):
                self._check_capital(trade.entry, number)
                trade.legs = list(trade.entry.legs)
                self._execute(trade, trade.entry, is_entry=True)
                trade.entry = None
            elif now > trade.entry.deadline:
                self._end(trade, TradeEnd.UNPRICED)
                return
            else:
                return
        for waiting in tuple(trade.exits):
            if self._prices.is_known(waiting, now):
                trade.exits.remove(waiting)
                self._execute(trade, waiting, is_entry=False)
                for leg in waiting.legs:
                    trade.legs.remove(leg)
        if not trade.legs:
            self._end(trade, TradeEnd.CLOSED)
        elif now >= trade.settles:
            self._settle(trade, number)
        elif any(now > waiting.deadline for waiting in trade.exits):
            self._end(trade, TradeEnd.UNPRICED)

    def _stop(self, trade: HeldTrade, at: datetime) -> None:
        if trade.is_stopped():
            self._leave(trade, trade.legs, at)
        elif (percent := trade.order.leg_stop_percent) is not None:
            for leg in trade.legs:
                if leg.is_stopped(percent):
                    self._leave(trade, [leg], at)

    def _leave(self, trade: HeldTrade, legs: Sequence[HeldLeg], at: datetime) -> None:
        if staying := [leg for leg in legs if not leg.is_leaving]:
            for leg in staying:
                leg.is_leaving = True
            trade.exits.append(self._wait(staying, self._market.first_fill(at)))

    def _wait(self, legs: Sequence[HeldLeg], fill: datetime) -> Waiting:
        deadline = self._market.deadline(fill, self._request.max_wait)
        last = min(int(deadline.timestamp()), int(legs[0].contract.settles_at.timestamp()) - 1)
        return self._prices.together(legs, start=int(fill.timestamp()), deadline=last)

    def _execute(self, trade: HeldTrade, waiting: Waiting, *, is_entry: bool) -> None:
        for leg, place in zip(waiting.legs, waiting.places, strict=True):
            side = leg.side if is_entry else leg.way_out
            quoted = self._prices.quoted(leg, place, side)
            fill = self._fill(leg, side, quoted, self._prices.at(leg, place))
            if is_entry:
                leg.entry, leg.mark = fill.price, quoted
                leg.cursor = self._prices.next_bar(leg, place)
            self._book(trade, fill)

    def _settle(self, trade: HeldTrade, number: int) -> None:
        closes = trade.legs[0].contract.settles_at
        value = settlement_value(self._request.bars, number, closes=closes)
        if value is None:
            self._end(trade, TradeEnd.UNPRICED)
            return
        for leg in trade.legs:
            intrinsic = leg.contract.intrinsic(value)
            cost: LegCost = NO_COST
            if leg.side is Side.BUY:
                cost = cost_of_exercise(
                    trade.expiry,
                    intrinsic=intrinsic,
                    quantity=leg.quantity,
                    exchange=self._request.order.exchange,
                )
            self._book(
                trade,
                LegFill(
                    instrument=leg.contract.instrument,
                    side=leg.way_out,
                    quantity=leg.quantity,
                    quoted=intrinsic,
                    price=intrinsic,
                    at=closes,
                    cost=cost,
                ),
            )
        trade.legs = []
        self._end(trade, TradeEnd.CLOSED)

    def _fill(self, leg: HeldLeg, side: Side, quoted: int, at: datetime) -> LegFill:
        order = self._request.order
        price = order.slipped(quoted, side)
        return LegFill(
            instrument=leg.contract.instrument,
            side=side,
            quantity=leg.quantity,
            quoted=quoted,
            price=price,
            at=at,
            cost=cost_of_leg(
                at.astimezone(IST).date(),
                ChargeKind.OPTIONS,
                side,
                price=price,
                quantity=leg.quantity,
                brokerage=order.brokerage,
                exchange=order.exchange,
            ),
        )

    def _book(self, trade: HeldTrade, fill: LegFill) -> None:
        self._cash += fill.cash - fill.cost.total
        trade.fills.append(fill)

    def _end(self, trade: HeldTrade, end: TradeEnd, *, mark: int = 0) -> None:
        self._open.remove(trade)
        if end is TradeEnd.UNPRICED:
            # It counts nothing, so what its entry did to the cash is taken back.
            self._cash -= sum(fill.cash - fill.cost.total for fill in trade.fills)
        ended = Trade(
            decided_at=trade.decided_at,
            end=end,
            legs=tuple(trade.fills),
            mark=mark,
            signal=trade.order.signal,
            expiry=trade.expiry,
        )
        self._ended.append((trade.number, ended))

    def _check_capital(self, entry: Waiting, number: int) -> None:
        legs = zip(entry.legs, entry.places, strict=True)
        check_lot(
            self._request,
            ((leg.side, self._prices.quoted(leg, place, leg.side)) for leg, place in legs),
            lot=entry.legs[0].contract.lot_size,
            close=self._request.bars[number].close,
        )
