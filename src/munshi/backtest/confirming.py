"""What another engine made of a run, in sentences."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from munshi.domain.backtest.runs import BacktestRun

_TOLD = 10


def confirmation_lines(run: BacktestRun) -> Iterator[str]:
    """None where no other engine was asked; the trades that differ last, the first of them."""
    made = run.confirmation
    if made is None:
        return
    who = f"{made['engine']} {made['engine_version']}"
    if made["is_same"]:
        yield f"Confirmed by {who}: the same {made['trades']:,} trades and the same curve."
        return
    yield (
        f"{who} came to {_rupees(made['net'])} instead of {_rupees(run.net)}: "
        f"{made['differ']:,} of {made['trades']:,} trades differ, the prices of orders by "
        f"{_rupees(made['price_difference'])} at most."
    )
    for each in made["differences"][:_TOLD]:
        yield (
            f"Trade {each['number']:,}, {each['what']}: net {_rupees(each['net'])} here, "
            f"{_rupees(each['net_there'])} there."
        )


def _rupees(paise: Any) -> str:  # noqa: ANN401 - from a JSON document
    return "-" if paise is None else f"{Decimal(paise) / 100:,.2f}"
