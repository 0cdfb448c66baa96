"""The rules of option trades that have no switch, each on bars made for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from made_candles import ist
from made_options import (
    FIVE,
    StoredTracks,
    flat_bars,
    maker,
    opens_of,
    option_request,
    run_options,
    track_of,
)
from munshi.clock import IST
from munshi.domain.backtest.metrics import metrics_of
from munshi.domain.backtest.options.orders import Enter, Exit, Leg, Orders
from munshi.domain.backtest.options.settlement import settlement_value
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing, TradeEnd
from munshi.domain.market.candles import Candle
from munshi.domain.market.charges import Side
from munshi.domain.market.instruments import InstrumentKind
from munshi.errors import BacktestCapitalTooSmallError, StrategyFailedError

CE, PE = InstrumentKind.CALL, InstrumentKind.PUT
WEDNESDAY, THURSDAY = date(2024, 6, 12), date(2024, 6, 13)
CALL, PUT = "NFO:NIFTY2461323000CE", "NFO:NIFTY2461323000PE"
SELLS = (Leg(side=Side.SELL, kind=CE, strike=23_000), Leg(side=Side.SELL, kind=PE, strike=23_000))
START = 1_000_000_000


@dataclass
class Script:
    """Orders by the time at which a bar closes."""

    orders: Mapping[str, Orders]

    def decide(self, closed: Sequence[Candle], /) -> Orders | None:
        at = closed[-1].opens + FIVE
        return next((said for when, said in self.orders.items() if ist(when) == at), None)


def underlying(*days: date) -> list[Candle]:
    """At 23,000.00 all the time."""
    return flat_bars(opens_of(days[0], days[-1]), lambda _: 2_300_000)


def every_five(first: str, last: str, price: int) -> dict[datetime, tuple[int, int]]:
    """Options bars that open and close at `price` paise."""
    at, found = ist(first), {}
    while at <= ist(last):
        found[at] = (price, price)
        at += FIVE
    return found


def enter(**other: object) -> Orders:
    return (Enter(name="a", legs=SELLS, **other),)  # type: ignore[arg-type]


def run(
    orders: dict[str, Orders],
    tracks: dict[str, dict[datetime, tuple[int, int]]],
    *days: date,
    **other: object,
) -> BacktestResult:
    stored = StoredTracks({name: track_of(bars) for name, bars in tracks.items()})
    request = option_request(underlying(*(days or (WEDNESDAY,))), stored, **other)
    return run_options(request, Script(orders))


def test_legs_are_filled_together_at_the_first_bar_after_the_decision_in_which_all_trade() -> None:
    # The call's bar at 09:30 closed before the decision and the one at 09:35 is alone.
    calls = {
        ist("2024-06-12 09:30"): (1, 1),
        **every_five("2024-06-12 09:35", "2024-06-12 10:00", 9_000),
    }
    puts = every_five("2024-06-12 09:40", "2024-06-12 10:00", 8_000)
    orders = {"2024-06-12 09:35": enter(), "2024-06-12 09:50": (Exit(name="a"),)}

    result = run(orders, {CALL: calls, PUT: puts})

    [trade] = result.trades
    assert [(leg.instrument, leg.side, leg.quoted, leg.quantity) for leg in trade.legs] == [
        (CALL, Side.SELL, 9_000, 25),
        (PUT, Side.SELL, 8_000, 25),
        (CALL, Side.BUY, 9_000, 25),
        (PUT, Side.BUY, 8_000, 25),
    ]
    at = [leg.at for leg in trade.legs]
    assert at == [ist("2024-06-12 09:40")] * 2 + [ist("2024-06-12 09:50")] * 2
    assert (trade.end, trade.expiry) == (TradeEnd.CLOSED, THURSDAY)
    assert trade.decided_at == ist("2024-06-12 09:35")
    assert result.equity[-1].equity == START + trade.net
    closed = run(orders, {CALL: calls, PUT: puts}, fill_model=FillModel.NEXT_CLOSE)
    assert closed.trades[0].legs[0].at == ist("2024-06-12 09:45")


def test_no_price_within_the_longest_wait_is_no_trade() -> None:
    calls = every_five("2024-06-12 10:40", "2024-06-12 15:25", 9_000)
    told = {"2024-06-12 09:35": enter()}

    [late] = run(told, {CALL: calls, PUT: calls}).trades
    [patient] = run(told, {CALL: calls, PUT: calls}, max_wait=timedelta(minutes=90)).trades
    [alone] = run(told, {CALL: calls}).trades

    assert (late.end, late.legs, late.net, late.expiry) == (TradeEnd.UNPRICED, (), 0, THURSDAY)
    assert patient.legs[0].at == ist("2024-06-12 10:40")
    assert alone.end is TradeEnd.UNPRICED


def test_the_wait_goes_on_when_trading_does() -> None:
    prices = every_five("2024-06-13 09:15", "2024-06-13 15:25", 9_000)

    [trade] = run(
        {"2024-06-12 15:30": enter()}, {CALL: prices, PUT: prices}, WEDNESDAY, THURSDAY
    ).trades

    assert trade.legs[0].at == ist("2024-06-13 09:15")


def test_a_way_out_without_a_price_ends_the_trade_as_unpriced_and_it_counts_nothing() -> None:
    prices = every_five("2024-06-12 09:35", "2024-06-12 09:55", 9_000)
    orders = {"2024-06-12 09:35": enter(), "2024-06-12 10:00": (Exit(name="a"),)}

    result = run(orders, {CALL: prices, PUT: prices})

    [trade] = result.trades
    assert (trade.end, len(trade.legs), trade.net, trade.costs) == (TradeEnd.UNPRICED, 2, 0, 0)
    assert result.equity[10].cash > START
    assert (result.equity[-1].equity, result.net) == (START, 0)
    figures = metrics_of(result)
    assert (figures["trades"], figures["unpriced"], figures["stranded"]) == (0, 1, 1)
    assert figures["stranded_value"] == sum(leg.price * leg.quantity for leg in trade.legs)


def test_what_is_open_at_the_end_is_marked_and_the_cost_of_getting_out_is_told() -> None:
    prices = every_five("2024-06-12 09:35", "2024-06-12 15:20", 9_000)
    prices[ist("2024-06-12 15:25")] = (9_000, 7_000)

    result = run({"2024-06-12 09:35": enter()}, {CALL: prices, PUT: prices})

    [trade] = result.trades
    assert (trade.end, trade.mark) == (TradeEnd.OPEN_AT_END, -2 * 7_000 * 25)
    assert result.equity[-1].equity == START + trade.net
    # A leg: slippage 1.25, brokerage 20, exchange 0.88, stamp 0.05, GST 3.76.
    assert "getting out there would have cost 51.88 rupees more" in result.assumptions[-1]


@pytest.mark.parametrize(
    ("stops", "left_at"),
    [
        ({"leg_stop_percent": 20}, [("10:05", CALL), ("15:30", PUT)]),
        ({"leg_stop_percent": 60}, [("15:30", CALL), ("15:30", PUT)]),
        ({"stop_percent": 20}, [("10:05", CALL), ("10:05", PUT)]),
        ({"stop_percent": 60}, [("15:30", CALL), ("15:30", PUT)]),
    ],
)
def test_stops_are_judged_when_a_bar_closes_and_filled_after_it(
    stops: dict[str, int], left_at: list[tuple[str, str]]
) -> None:
    puts = every_five("2024-06-13 09:35", "2024-06-13 15:25", 9_000)
    calls = puts | every_five("2024-06-13 10:05", "2024-06-13 15:25", 13_000)
    calls[ist("2024-06-13 10:00")] = (9_000, 13_000)  # the call rises by 44 %, both by 22 %

    [trade] = run({"2024-06-13 09:35": enter(**stops)}, {CALL: calls, PUT: puts}, THURSDAY).trades

    ways_out = [(f"{leg.at.astimezone(IST):%H:%M}", leg.instrument) for leg in trade.legs[2:]]
    assert ways_out == left_at
    assert trade.end is TradeEnd.CLOSED


def test_expiry_settles_at_the_average_of_the_last_half_hour_and_the_buyer_pays_stt() -> None:
    """Never at the next day's bar; the seller pays nothing, and no order is sent."""
    opens = opens_of(THURSDAY, date(2024, 6, 14))
    half_hour = {75 - number: 2_312_000 + 600 * number for number in range(6)}
    bars = flat_bars(opens, lambda n: half_hour.get(n, 2_300_000 if n < 75 else 9_000_000))
    prices = track_of(every_five("2024-06-13 09:35", "2024-06-13 15:25", 9_000))
    legs = (SELLS[0], Leg(side=Side.BUY, kind=CE, strike=23_100))
    orders = {"2024-06-13 09:35": (Enter(name="a", legs=legs),)}
    stored = StoredTracks({CALL: prices, "NFO:NIFTY2461323100CE": prices})

    [trade] = run_options(option_request(bars, stored), Script(orders)).trades

    # The closes of 15:00 to 15:25 are 23,150, 23,144, … 23,120: 23,135 on average.
    sold, bought = trade.legs[2:]
    assert (sold.side, sold.price, sold.cost.total) == (Side.BUY, 13_500, 0)
    assert (bought.side, bought.price) == (Side.SELL, 3_500)
    assert bought.cost.total == bought.cost.exercise_stt == 109  # 0.125 % of 875 rupees
    assert sold.at == bought.at == ist("2024-06-13 15:30")


def test_the_settlement_is_rounded_to_a_paisa_and_needs_a_bar_of_its_half_hour() -> None:
    opens = opens_of(THURSDAY, THURSDAY)
    bars = flat_bars(opens, lambda n: 2_300_000 + (n == 75))
    closes = ist("2024-06-13 15:30")
    assert settlement_value(bars, 74, closes=closes) == 2_300_000  # a sixth of a paisa
    assert settlement_value(bars, 68, closes=closes) is None
    auction = ist("2026-08-04 15:30")
    bars = flat_bars(
        opens_of(auction.date(), auction.date()), lambda n: 2_300_000 + 600 * (n == 75)
    )
    assert settlement_value(bars, 74, closes=auction) == 2_300_600  # shares close by auction


def test_a_hole_in_the_last_half_hour_leaves_the_trade_unpriced() -> None:
    prices = track_of(every_five("2024-06-13 09:35", "2024-06-13 15:25", 9_000))
    bars = [*underlying(THURSDAY)[:60], *underlying(date(2024, 6, 14))]
    request = option_request(bars, StoredTracks({CALL: prices, PUT: prices}))

    [trade] = run_options(request, Script({"2024-06-13 09:35": enter()})).trades

    assert trade.end is TradeEnd.UNPRICED


@pytest.mark.parametrize(
    ("decided", "expiry", "lot"),
    [
        ("2024-06-13 15:25", date(2024, 6, 13), 25),
        ("2024-06-13 15:30", date(2024, 6, 20), 25),  # the first possible fill is on Friday
        ("2024-08-14 10:00", date(2024, 8, 14), 25),  # Thursday is a holiday
        ("2025-08-29 10:00", date(2025, 9, 2), 75),  # from Thursdays to Tuesdays
        ("2026-04-02 10:00", date(2026, 4, 7), 65),
        ("2026-08-04 15:30", date(2026, 8, 11), 65),  # it trades to 15:40, but has settled
    ],
)
def test_the_contract_is_that_of_the_nearest_expiry_after_the_first_possible_fill(
    decided: str, expiry: date, lot: int
) -> None:
    day = ist(decided).date()
    request = option_request(underlying(day, day + timedelta(days=6)), StoredTracks())

    [trade] = run_options(request, Script({decided: enter()})).trades

    assert trade.expiry == expiry
    assert request.market.contract(CE, 23_000, expiry).lot_size == lot


def test_an_order_that_nothing_is_asked_of_does_nothing() -> None:
    prices = every_five("2024-06-12 09:35", "2024-06-12 15:25", 9_000)
    orders = {
        "2024-06-12 09:35": (Exit(name="a"), *enter()),
        "2024-06-12 09:40": (*enter(), Enter(name="b", legs=SELLS, only_when_flat=True)),
        "2024-06-12 09:45": (Enter(name="c", legs=SELLS, max_days=0),),
        "2024-06-12 09:50": (Exit(name="a"), Exit(name="b")),
    }

    result = run(orders, {CALL: prices, PUT: prices})

    assert [len(trade.legs) for trade in result.trades] == [4]


def test_a_lot_must_be_affordable_and_decisions_must_be_orders() -> None:
    prices = every_five("2024-06-12 09:35", "2024-06-12 15:25", 9_000)
    with pytest.raises(BacktestCapitalTooSmallError, match=r"needs 575,000\.00 rupees"):
        run(
            {"2024-06-12 09:35": enter()},
            {CALL: prices, PUT: prices},
            margin_percent=100,
            sizing=Sizing(capital=57_499_999, lots=1, lot_size=1),
        )
    with pytest.raises(StrategyFailedError, match="must return a tuple of Enter and Exit"):
        run({"2024-06-12 09:35": "sell"}, {})  # type: ignore[dict-item]


def test_a_straddle_sells_at_its_time_and_ends_at_the_other() -> None:
    prices = every_five("2024-06-12 09:15", "2024-06-12 15:25", 9_000)
    stored = StoredTracks({CALL: track_of(prices), PUT: track_of(prices)})

    result = run_options(option_request(underlying(WEDNESDAY), stored), maker("short_straddle")())

    [trade] = result.trades
    assert [leg.at for leg in trade.legs] == [ist("2024-06-12 09:20")] * 2 + [
        ist("2024-06-12 15:15")
    ] * 2
