"""The trades of a run by signal, by month and by weekday of expiry."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import IST
from munshi.domain.backtest.metrics import costs_share, profit_factor, win_rate
from munshi.domain.backtest.results import Trade, TradeEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeGroup:
    """What some trades came to, in paise; a share that cannot be told is None."""

    name: str
    trades: int
    net: int
    gross: int
    costs: int
    win_rate: float | None
    expectancy: float
    profit_factor: float | None
    costs_of_gross: float | None


def breakdown(trades: Iterable[Trade]) -> dict[str, list[TradeGroup]]:
    """`signal`, `month` (by the day of the last order, IST) and `expiry_weekday`.

    Trades without a signal or an expiry are in no group of that kind; unpriced ones in none.
    """
    priced = [trade for trade in trades if trade.end is not TradeEnd.UNPRICED and trade.legs]
    return {
        "signal": _groups(priced, _signal),
        "month": _groups(priced, lambda trade: f"{ended(trade).astimezone(IST):%Y-%m}"),
        "expiry_weekday": _groups(priced, _expiry_weekday, order=_WEEKDAYS.index),
    }


def ended(trade: Trade) -> datetime:
    """When its last order was filled."""
    return max(leg.at for leg in trade.legs)


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _signal(trade: Trade) -> str | None:
    return trade.signal


def _expiry_weekday(trade: Trade) -> str | None:
    return None if trade.expiry is None else _WEEKDAYS[trade.expiry.weekday()]


def _groups(
    trades: Sequence[Trade],
    name_of: Callable[[Trade], str | None],
    *,
    order: Callable[[str], object] = str,
) -> list[TradeGroup]:
    named: dict[str, list[Trade]] = {}
    for trade in trades:
        if name := name_of(trade):
            named.setdefault(name, []).append(trade)
    ordered = sorted(named.items(), key=lambda item: order(item[0]))  # type: ignore[arg-type, return-value]
    return [_group(name, members) for name, members in ordered]


def _group(name: str, trades: Sequence[Trade]) -> TradeGroup:
    nets = [trade.net for trade in trades]
    gross, costs = sum(trade.gross for trade in trades), sum(trade.costs for trade in trades)
    return TradeGroup(
        name=name,
        trades=len(trades),
        net=sum(nets),
        gross=gross,
        costs=costs,
        win_rate=win_rate(nets),
        expectancy=sum(nets) / len(nets),
        profit_factor=profit_factor(nets),
        costs_of_gross=costs_share(costs, gross),
    )
