"""What is held against a result, and that a good one has nothing held against it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from made_backtests import made_run
from munshi.domain.backtest.measuring import Evidence
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of

GOOD: Mapping[str, int | float | None] = {
    "trades": 200,
    "days": 250,
    "costs_of_gross": 0.1,
    "expectancy": 900.0,
    "expectancy_low": 100.0,
    "unpriced": 0,
}
SURE = Evidence(trials=3, threshold=0.02, deflated_sharpe=0.99)
WHOLE = {"bars_expected": 1000, "bars_present": 1000}


def run(**changes: object) -> BacktestRun:
    return replace(made_run(), **{"metrics": GOOD, "coverage": WHOLE, **changes})  # type: ignore[arg-type]


def test_a_good_result_has_nothing_held_against_it() -> None:
    assert warnings_of(run(), SURE) == ()


@pytest.mark.parametrize(
    ("found", "evidence", "said"),
    [
        (run(), replace(SURE, deflated_sharpe=None), "too little here to tell skill from luck"),
        (run(), replace(SURE, deflated_sharpe=0.6), "After 3 trials on NSE:INFY"),
        (run(instrument="NSE:NIFTY 50"), SURE, "NSE:NIFTY 50 is an index, which nobody can buy"),
        (run(metrics={**GOOD, "trades": 12}), SURE, "12 trades are few"),
        (run(metrics={**GOOD, "days": 20}), SURE, "20 days are few"),
        (run(metrics={**GOOD, "costs_of_gross": 0.8}), SURE, "Charges are 80%"),
        (run(metrics={**GOOD, "expectancy_low": -1.0}), SURE, "may well be below zero"),
        (run(metrics={**GOOD, "unpriced": 4}), SURE, "4 trades found no price"),
        (
            run(metrics={**GOOD, "unpriced": 2, "stranded": 2, "stranded_value": 12_345_678}),
            SURE,
            "2 trades that were entered and found no way out: orders of 123,456.78 rupees",
        ),
        (run(coverage={**WHOLE, "bars_present": 990}), SURE, "10 of 1,000 bars are missing"),
        (
            run(coverage={**WHOLE, "orders_larger": 3, "orders_quoted": 40}),
            SURE,
            "3 of 40 orders were larger than what stood at the price",
        ),
        (
            run(coverage={**WHOLE, "quote_days_missing_count": 2}),
            SURE,
            "There are no quotes of 2 days",
        ),
        (
            run(coverage={**WHOLE, "quotes_missing_count": 2, "quoted": 9}),
            SURE,
            "There are no quotes of 2 of the 9 contracts",
        ),
    ],
)
def test_each_weakness_is_said_alone(found: BacktestRun, evidence: Evidence, said: str) -> None:
    [warning] = warnings_of(found, evidence)

    assert said in warning


def test_what_the_net_leaves_out_is_said_before_all_else() -> None:
    figures = {**GOOD, "trades": 12, "unpriced": 3, "stranded": 1, "stranded_value": 100}

    first, *_, last = warnings_of(run(metrics=figures), replace(SURE, deflated_sharpe=0.6))

    assert first.startswith("The net leaves out 1 trade that was entered and")
    assert last == "2 trades found no price and count nothing."
