"""What a careful person would hold against a backtest."""

from collections.abc import Iterable, Iterator
from functools import cache

from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.pitfalls import PitfallCheck
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.charges import ChargeKind
from munshi.domain.market.instruments import well_known_indices

FEW_TRADES = 30
FEW_DAYS = 60
ENOUGH = 0.95
MUCH_COST = 0.5
_PAISE = 100


@cache
def _indices() -> frozenset[str]:
    return frozenset(f"{each.exchange}:{each.tradingsymbol}" for each in well_known_indices())


def warnings_of(
    run: BacktestRun, evidence: Evidence, checks: Iterable[PitfallCheck] = ()
) -> tuple[str, ...]:
    """The gravest first; none is no promise. `checks` are those of its pitfalls."""
    return (
        *(f"It was caught {each.name}: {each.said}" for each in checks if not each.is_absent),
        *_of_stranded(run),
        *_of_engines(run),
        *_of_luck(run, evidence),
        *_of_bars(run),
        *_of_quotes(run),
        *_of_figures(run),
    )


def _of_stranded(run: BacktestRun) -> Iterator[str]:
    if stranded := run.metrics.get("stranded"):
        moved = (run.metrics.get("stranded_value") or 0) / _PAISE
        yield (
            f"The net leaves out {_counted(stranded)} entered and found no way out: orders of "
            f"{moved:,.2f} rupees that count nothing, and what came of them is not known."
        )


def _counted(trades: float) -> str:
    return "1 trade that was" if trades == 1 else f"{trades:,.0f} trades that were"


def _of_engines(run: BacktestRun) -> Iterator[str]:
    made = run.confirmation
    if made is not None and not made["is_same"]:
        yield (
            f"{made['engine']} made {made['differ']:,} trades of this otherwise; "
            "see where before anything else."
        )


def _of_luck(run: BacktestRun, evidence: Evidence) -> Iterator[str]:
    if evidence.deflated_sharpe is None:
        yield "There is too little here to tell skill from luck."
    elif evidence.deflated_sharpe < ENOUGH:
        yield (
            f"After {evidence.trials:,} trials on {run.instrument} this is no more than luck "
            f"explains (deflated Sharpe {evidence.deflated_sharpe:.3f}, wanted {ENOUGH})."
        )


def _of_bars(run: BacktestRun) -> Iterator[str]:
    if run.instrument in _indices() and run.parameters.get("kind") != ChargeKind.OPTIONS:
        yield (
            f"{run.instrument} is an index, which nobody can buy: a future on it has other prices, "
            "and those of an option are not in its bars at all."
        )
    if missing := run.coverage.get("contracts_missing_count"):
        yield (
            f"Of {run.coverage.get('contracts')} option contracts that it asked for {missing} have "
            "no stored bar at all; what it would have traded in them is not in the result."
        )
    expected, present = run.coverage.get("bars_expected"), run.coverage.get("bars_present")
    if isinstance(expected, int) and isinstance(present, int) and present < expected:
        yield f"{expected - present:,} of {expected:,} bars are missing."


def _of_quotes(run: BacktestRun) -> Iterator[str]:
    def count(name: str) -> int:
        found = run.coverage.get(name)
        return found if isinstance(found, int) else 0

    if larger := count("orders_larger"):
        yield (
            f"{larger:,} of {count('orders_quoted'):,} orders were larger than what stood at the "
            "price at which they were filled; the rest of them would have cost more."
        )
    if missing := count("quote_days_missing_count"):
        yield f"There are no quotes of {_days(missing)}, so nothing could be filled then."
    if missing := count("quotes_missing_count"):
        yield (
            f"There are no quotes of {missing:,} of the {count('quoted'):,} contracts that it "
            "wanted to trade."
        )


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _of_figures(run: BacktestRun) -> Iterator[str]:
    def figure(name: str) -> float:
        return run.metrics.get(name) or 0

    if figure("trades") < FEW_TRADES:
        yield f"{figure('trades'):.0f} trades are few; {FEW_TRADES} are the least to judge by."
    if figure("days") < FEW_DAYS:
        yield f"{figure('days'):.0f} days are few; yearly figures mean little under {FEW_DAYS}."
    if figure("costs_of_gross") > MUCH_COST:
        yield f"Charges are {figure('costs_of_gross'):.0%} of what it made before them."
    if figure("expectancy_low") < 0 < figure("expectancy"):
        yield "The profit of a trade may well be below zero: its 90 % interval reaches there."
    if unpriced := figure("unpriced") - figure("stranded"):
        yield f"{unpriced:.0f} trades found no price and count nothing."
