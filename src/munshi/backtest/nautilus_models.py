"""Our slippage and our dated charges, as nautilus_trader asks for them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from nautilus_trader.backtest.models import FeeModel, FillModel
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder
from nautilus_trader.model.enums import BookType, OrderSide
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.model.orders import Order as MarketOrder

from munshi.clock import IST
from munshi.domain.backtest.costs import LegCost, cost_of_leg
from munshi.domain.backtest.engine import Order
from munshi.domain.market.charges import Side

INR = Currency.from_str("INR")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SlippageFill(FillModel):  # type: ignore[misc]
    """A book with room for the whole order, at the quote with the slippage of the run."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def get_orderbook_for_fill_simulation(
        self, instrument: Instrument, order: MarketOrder, best_bid: Price, best_ask: Price
    ) -> OrderBook:
        book = OrderBook(instrument.id, BookType.L2_MBP)
        for side, quoted, number in ((Side.SELL, best_bid, 1), (Side.BUY, best_ask, 2)):
            price = price_of(self.filled_at(order, paise_of(quoted), side))
            # Who buys takes what others sell.
            offered = OrderSide.SELL if side is Side.BUY else OrderSide.BUY
            book.add(BookOrder(offered, price, order.quantity, number), 0, 0)
        return book

    def filled_at(self, order: MarketOrder, quoted: int, side: Side) -> int:
        """What `order` gets, in paise."""
        del order
        return self._order.slipped(quoted, side)


class DatedCharges(FeeModel):  # type: ignore[misc]
    """What `cost_of_leg` says; its parts are kept by order."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._charged: dict[ClientOrderId, LegCost] = {}

    def get_commission(
        self, order: MarketOrder, fill_qty: Quantity, fill_px: Price, instrument: Instrument
    ) -> Money:
        del instrument
        cost = self.cost_of(order, price=paise_of(fill_px), quantity=int(fill_qty))
        self._charged[order.client_order_id] = cost
        return money_of(cost.total)

    def cost_of(self, order: MarketOrder, *, price: int, quantity: int) -> LegCost:
        """Of `quantity` units at `price` paise."""
        return cost_of_leg(
            day_of(order),
            self.order.kind,
            side_of(order.side),
            price=price,
            quantity=quantity,
            brokerage=self.order.brokerage,
            exchange=self.order.exchange,
        )

    def take(self, order: ClientOrderId) -> LegCost:
        """The parts of what an order was charged, once."""
        return self._charged.pop(order)


def day_of(order: MarketOrder) -> date:
    """The day on which it was sent, IST."""
    return instant_of(order.ts_init).astimezone(IST).date()


def price_of(paise: int) -> Price:
    return Price.from_str(f"{paise // 100}.{paise % 100:02d}")


def paise_of(amount: Price | Money) -> int:
    return int(amount.as_decimal() * 100)


def money_of(paise: int) -> Money:
    return Money(Decimal(paise) / 100, INR)


def side_of(side: OrderSide) -> Side:
    return Side.BUY if side == OrderSide.BUY else Side.SELL


def nanoseconds(at: datetime) -> int:
    """Since 1970; our instants are whole microseconds."""
    return (at - _EPOCH) // _MICROSECOND * 1000


def instant_of(stamp: int) -> datetime:
    return _EPOCH + stamp // 1000 * _MICROSECOND
