"""What a careful person would hold against a backtest."""

from collections.abc import Iterator

from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.runs import BacktestRun

FEW_TRADES = 30
FEW_DAYS = 60
ENOUGH = 0.95
MUCH_COST = 0.5


def warnings_of(run: BacktestRun, evidence: Evidence) -> tuple[str, ...]:
    """The gravest first; none is no promise."""
    return tuple(_warnings(run, evidence))


def _warnings(run: BacktestRun, evidence: Evidence) -> Iterator[str]:
    def figure(name: str) -> float:
        return run.metrics.get(name) or 0

    if evidence.deflated_sharpe is None:
        yield "There is too little here to tell skill from luck."
    elif evidence.deflated_sharpe < ENOUGH:
        yield (
            f"After {evidence.trials:,} trials on {run.instrument} this is no more than luck "
            f"explains (deflated Sharpe {evidence.deflated_sharpe:.3f}, wanted {ENOUGH})."
        )
    if figure("trades") < FEW_TRADES:
        yield f"{figure('trades'):.0f} trades are few; {FEW_TRADES} are the least to judge by."
    if figure("days") < FEW_DAYS:
        yield f"{figure('days'):.0f} days are few; yearly figures mean little under {FEW_DAYS}."
    if figure("costs_of_gross") > MUCH_COST:
        yield f"Charges are {figure('costs_of_gross'):.0%} of what it made before them."
    if figure("expectancy_low") < 0 < figure("expectancy"):
        yield "The profit of a trade may well be below zero: its 90 % interval reaches there."
    if unpriced := figure("unpriced"):
        yield f"{unpriced:.0f} trades found no price and count nothing."
    expected, present = run.coverage.get("bars_expected"), run.coverage.get("bars_present")
    if isinstance(expected, int) and isinstance(present, int) and present < expected:
        yield f"{expected - present:,} of {expected:,} bars are missing."
