"""What every engine holds to, whoever keeps its books."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from munshi.clock import IST
from munshi.domain.backtest.closed_bars import ClosedBars
from munshi.domain.backtest.costs import assumption_beyond, cost_of_leg
from munshi.domain.backtest.engine import Request, Strategy, Target
from munshi.domain.backtest.fills import Tradable
from munshi.domain.backtest.results import FillModel, LegFill, Trade
from munshi.domain.market.candles import to_paise
from munshi.domain.market.charges import Side
from munshi.errors import (
    AppError,
    BacktestCapitalTooSmallError,
    BacktestDataMissingError,
    StrategyFailedError,
)

_PERCENT = 100
_Read = TypeVar("_Read")


def check_bars(request: Request) -> None:
    """Raise BacktestDataMissingError where there are none."""
    if not request.bars:
        raise BacktestDataMissingError(
            f"There are no bars of {request.order.instrument} to run on.",
            hint="Collect or import them: munshi data collect --help",
        )


def check_capital(request: Request, quoted: int) -> None:
    """Raise BacktestCapitalTooSmallError where it is not enough for one lot at `quoted` paise."""
    sizing = request.sizing
    needed = quoted * sizing.lot_size * request.margin_percent // _PERCENT
    if sizing.capital < needed:
        raise BacktestCapitalTooSmallError(
            f"One lot of {request.order.instrument} needs {needed / _PERCENT:,.2f} "
            f"rupees, the capital is {sizing.capital / _PERCENT:,.2f}.",
            hint="Give more capital, or the share of the value that is asked as margin.",
        )


def decision(strategy: Strategy, closed: ClosedBars) -> Target | None:
    """What `strategy` says now. Raises StrategyFailedError for whatever it raises itself."""
    return decided(strategy, closed, _target)


def _target(wanted: object) -> Target | None:
    return None if wanted is None else Target(wanted)  # type: ignore[arg-type]


def decided(strategy: Strategy, closed: ClosedBars, read: Callable[[object], _Read]) -> _Read:
    """What `strategy` says now, as `read` takes it. Raises StrategyFailedError as `decision`."""
    try:
        return read(strategy.decide(closed))
    except AppError:
        raise
    except (Exception, SystemExit) as error:
        at = closed[-1].opens.astimezone(IST)
        named = getattr(strategy, "called", type(strategy).__name__)
        raise StrategyFailedError(
            f"{named} failed at the bar of {at:%Y-%m-%d %H:%M}: {type(error).__name__}: {error}",
            hint="Nothing was stored. Mend the strategy and run it again.",
        ) from error


def has_lapsed(request: Request, decided_at: datetime, at: datetime) -> bool:
    """Whether an order to open of `decided_at` has waited too long by `at`."""
    hours = request.hours
    return hours.elapsed(at) - hours.elapsed(decided_at) > request.max_wait


def order_at(request: Request, side: Side, price: Tradable) -> LegFill:
    """An order of the run's size, with slippage and the charges of the day of `price`.

    Raises MarketFactUnknownError.
    """
    order, quantity = request.order, request.sizing.quantity
    quoted = price.quoted(side)
    paid = order.slipped(quoted, side)
    return LegFill(
        instrument=order.instrument,
        side=side,
        quantity=quantity,
        quoted=quoted,
        price=paid,
        at=price.at,
        cost=cost_of_leg(
            price.starts.astimezone(IST).date(),
            order.kind,
            side,
            price=paid,
            quantity=quantity,
            brokerage=order.brokerage,
            exchange=order.exchange,
        ),
    )


def price_way_out(request: Request, held: Target) -> str:
    """What getting out of `held` at the last close would have cost, as an assumption."""
    last = request.bars[-1]
    paise = to_paise(last.close)
    marked = Tradable(starts=last.opens, at=last.opens, bid=paise, offer=paise)
    leg = order_at(request, closing(held), marked)
    return (
        "What is open at the end is marked at the last close; getting out there would have cost "
        f"{(leg.slippage + leg.cost.total) / _PERCENT:,.2f} rupees more{but_spread(request)}."
    )


def but_spread(request: Request) -> str:
    """What the cost of getting out leaves out, where orders are filled by bid and ask."""
    return ", and the spread" if request.fill_model is FillModel.BID_ASK else ""


def assumptions_of(
    request: Request, way_out: str | None, trades: Iterable[Trade]
) -> tuple[str, ...]:
    """What every engine says of a run over these bars."""
    beyond = assumption_beyond(request.bars[-1].opens.astimezone(IST).date())
    return tuple(said for said in (beyond, way_out, _too_large(request, trades)) if said)


def _too_large(request: Request, trades: Iterable[Trade]) -> str | None:
    orders = request.quoted_orders(trades)
    if not orders.larger:
        return None
    return (
        f"{orders.larger:,} of {orders.count:,} orders were larger than what stood at the price "
        "at which they were filled."
    )


def opening(target: Target) -> Side:
    return Side.BUY if target is Target.LONG else Side.SELL


def closing(held: Target) -> Side:
    return Side.SELL if held is Target.LONG else Side.BUY
