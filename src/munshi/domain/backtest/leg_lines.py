"""The orders of option trades, line by line as a person would check them."""

from collections.abc import Iterable, Iterator

from munshi.clock import IST
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd


def option_legs(trades: Iterable[Trade]) -> Iterator[tuple[int, Trade, LegFill]]:
    """Every order of trades that have an expiry, with the number of its trade, from 1 on."""
    for number, trade in enumerate(trades, start=1):
        if trade.expiry is not None:
            yield from ((number, trade, leg) for leg in trade.legs)


def is_settled(trade: Trade, leg: LegFill) -> bool:
    """Whether `leg` is no order, but what an option came to at its expiry."""
    return (
        trade.expiry is not None
        and leg.price == leg.quoted
        and leg.cost.total == leg.cost.exercise_stt
        and leg.at.astimezone(IST).date() >= trade.expiry
    )


def way_out(trade: Trade) -> str:
    """How it ended, told apart where its options were settled."""
    last = trade.legs[-1].cost if trade.legs else None
    if trade.end is TradeEnd.CLOSED and trade.expiry is not None and last is not None:
        return "expired" if last.total == last.exercise_stt else "closed"
    return trade.end.value.replace("_", " ")
