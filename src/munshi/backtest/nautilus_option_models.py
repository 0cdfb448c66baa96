"""Options as nautilus_trader knows them: contracts, what fills them, and what that costs."""

from enum import IntEnum

from nautilus_trader.model.enums import AssetClass, OptionKind
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import OptionContract
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import Order as MarketOrder

from munshi.backtest.nautilus_models import (
    INR,
    DatedCharges,
    SlippageFill,
    day_of,
    price_of,
    side_of,
)
from munshi.domain.backtest.costs import NO_COST, LegCost, cost_of_exercise
from munshi.domain.backtest.options.market import Contract
from munshi.domain.market.charges import Side
from munshi.domain.market.instruments import InstrumentKind

SECOND = 1_000_000_000
SETTLEMENT = "SETTLEMENT"


class Moment(IntEnum):
    """What happens in one second, in this order: nanoseconds after it.

    A bar of the index is told after all that has closed with it and before what opens then, so
    that its decision knows the first and meets the second.
    """

    OPTION_CLOSES = 0
    CLOSE_IS_QUOTED = 1
    SETTLES = 2
    EXPIRES = 3
    INDEX_CLOSES = 4
    OPEN_IS_QUOTED = 5


def stamped(seconds: int, moment: Moment) -> int:
    """`seconds` since 1970 in nanoseconds."""
    return seconds * SECOND + moment


def option_contract(contract: Contract, *, underlying: str) -> OptionContract:
    """In units: one is one of the index, not a lot. It can be traded until it has settled."""
    exchange, _, name = contract.instrument.partition(":")
    symbol, unit = Symbol(name), Quantity.from_int(1)
    return OptionContract(
        InstrumentId(symbol, Venue(exchange)),
        symbol,
        AssetClass.INDEX,
        INR,
        2,
        price_of(1),
        unit,
        unit,
        underlying,
        OptionKind.CALL if contract.kind is InstrumentKind.CALL else OptionKind.PUT,
        price_of(contract.strike),
        0,
        stamped(int(contract.settles_at.timestamp()), Moment.EXPIRES),
        0,
        0,
    )


class OptionFill(SlippageFill):
    """As any order, but a settlement has no slippage."""

    def filled_at(self, order: MarketOrder, quoted: int, side: Side) -> int:
        if is_settlement(order):
            return quoted
        return super().filled_at(order, quoted, side)


class OptionCharges(DatedCharges):
    """As any order, but of a settlement only who bought pays, the STT of its exercise."""

    def cost_of(self, order: MarketOrder, *, price: int, quantity: int) -> LegCost:
        if not is_settlement(order):
            return super().cost_of(order, price=price, quantity=quantity)
        if side_of(order.side) is Side.BUY:
            return NO_COST
        return cost_of_exercise(
            day_of(order), intrinsic=price, quantity=quantity, exchange=self.order.exchange
        )


def is_settlement(order: MarketOrder) -> bool:
    return order.tags is not None and SETTLEMENT in order.tags
