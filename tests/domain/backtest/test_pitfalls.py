"""What flatters a backtest: absent from what the engines make, and caught where rows show it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.backtest.test_warnings import SURE
from made_backtests import made_run, made_trades
from made_options import WalkedTracks, flat_bars, maker, opens_of, option_request, run_options
from munshi.domain.backtest.metrics import metrics_of
from munshi.domain.backtest.pitfalls import check_pitfalls
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.backtest.warnings import warnings_of

BARS = flat_bars(
    opens_of(date(2024, 6, 10), date(2024, 6, 13)), lambda n: 2_300_000 + 25 * abs(n % 160 - 80)
)
RESULT = run_options(
    option_request(BARS, WalkedTracks(BARS)),
    maker("short_straddle", exit_at="expiry", hedge_distance=200)(),
)
OPTIONS = replace(
    made_run(),
    instrument="NSE:NIFTY 50",
    parameters={"kind": "options", "lots": 1, "fill": "next_open"},
    metrics=metrics_of(RESULT),
    net=RESULT.net,
)
NAMES = (
    "acting before it could know",
    "filling at an older price",
    "settling by another day",
    "taking a missing price for zero",
    "leaving out slippage or charges",
    "using today's lots, expiries or hours",
    "forgetting what is open at the end",
    "overwriting a run, or no way to repeat it",
    "letting a filtered signal use up its week",
    "showing figures that nothing computed",
)


def caught(run: BacktestRun, *trades: Trade) -> list[str]:
    return [check.name for check in check_pitfalls(run, trades) if not check.is_absent]


def with_leg(number: int, **changes: object) -> Trade:
    [trade] = RESULT.trades
    legs = list(trade.legs)
    legs[number] = replace(legs[number], **changes)  # type: ignore[arg-type]
    return replace(trade, legs=tuple(legs))


def signalled(*days: date, signal: str = "S3") -> list[Trade]:
    at = OPTIONS.created_at
    return [
        replace(made_trades()[1], signal=signal, decided_at=at.replace(day=day.day)) for day in days
    ]


def test_a_run_to_expiry_shows_none_and_says_so_with_its_own_figures() -> None:
    checks = check_pitfalls(OPTIONS, RESULT.trades)

    assert tuple(check.name for check in checks) == NAMES
    assert caught(OPTIONS, *RESULT.trades) == []
    said = " ".join(check.said for check in checks)
    assert "none of 4 orders was filled before the bar that decided" in said
    assert "4 legs were settled, each on its contract's last day" in said
    assert "Lots of 25 units" in said
    assert "(Thursday 1)" in said
    charges = sum(trade.costs for trade in RESULT.trades)
    assert f"the charges of options of its own day ({charges / 100:,.2f} rupees)" in said
    assert warnings_of(OPTIONS, SURE, checks) == warnings_of(OPTIONS, SURE)


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        (NAMES[0], lambda _: {"at": RESULT.trades[0].decided_at - timedelta(minutes=5)}),
        (NAMES[1], lambda _: {"at": RESULT.trades[0].decided_at - timedelta(minutes=5)}),
        (NAMES[2], lambda leg: {"at": leg.at + timedelta(days=7)}),
        (NAMES[3], lambda _: {"quoted": 0}),
        (NAMES[4], lambda leg: {"price": leg.quoted}),
        (NAMES[5], lambda _: {"quantity": 75}),
        (NAMES[9], lambda leg: {"price": leg.price + 5}),
    ],
)
def test_an_order_that_flatters_is_caught(
    name: str, spoilt: Callable[[LegFill], dict[str, object]]
) -> None:
    found = caught(OPTIONS, with_leg(0, **spoilt(RESULT.trades[0].legs[0])))

    assert name in found


def test_what_is_settled_by_another_day_is_caught() -> None:
    settled = RESULT.trades[0].legs[-1]
    later = with_leg(-1, at=settled.at + timedelta(days=1))

    assert NAMES[2] in caught(OPTIONS, later)


def test_two_signals_in_a_week_or_one_that_was_left_out_are_caught() -> None:
    monday, friday, next_monday = date(2024, 6, 10), date(2024, 6, 14), date(2024, 6, 17)
    only = replace(OPTIONS, parameters={**OPTIONS.parameters, "parameters": {"enabled": "S1+S3"}})

    assert NAMES[8] in caught(only, *signalled(monday, friday))
    assert NAMES[8] in caught(only, *signalled(monday, signal="S2"))
    assert NAMES[8] not in caught(only, *signalled(monday, next_monday))


def test_figures_that_the_trades_do_not_give_are_the_first_warning() -> None:
    run = replace(OPTIONS, metrics={**OPTIONS.metrics, "win_rate": 0.9})
    checks = check_pitfalls(run, RESULT.trades)

    first = warnings_of(run, SURE, checks)[0]

    assert first == (
        "It was caught showing figures that nothing computed: From the stored trades come other "
        "figures: win_rate."
    )


def test_a_run_without_its_pins_is_caught() -> None:
    assert NAMES[7] in caught(replace(OPTIONS, data_fingerprint=""), *RESULT.trades)


def test_what_is_open_and_what_found_no_price_are_told_with_their_numbers() -> None:
    [trade] = RESULT.trades
    entered = replace(trade, legs=trade.legs[:4])
    still = replace(entered, end=TradeEnd.OPEN_AT_END)
    stranded = replace(entered, end=TradeEnd.UNPRICED)

    said = " ".join(check.said for check in check_pitfalls(OPTIONS, (still, stranded)))

    assert "1 trade was open at the end, labelled so, and was counted at the last close" in said
    assert (
        "1 trade without one was listed as unpriced, 1 of them after they had been entered" in said
    )
