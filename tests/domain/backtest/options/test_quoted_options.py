"""Legs that stored quotes fill: together in one minute, each at its own side of its book."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.backtest.options.test_options_engine import (
    CALL,
    PUT,
    SELLS,
    START,
    THURSDAY,
    WEDNESDAY,
    Script,
    enter,
    every_five,
    underlying,
)
from made_candles import ist
from made_options import CALENDAR, StoredTracks, option_request, run_options, track_of
from made_quotes import HeldQuotes, Quoted, drawn_quotes, quotes_of
from munshi.clock import IST
from munshi.domain.backtest.audit import audit
from munshi.domain.backtest.hours import trading_hours
from munshi.domain.backtest.options.engine import OptionsEngine
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.orders import Enter, Exit, Orders
from munshi.domain.backtest.quotes import QuoteBook
from munshi.domain.backtest.results import BacktestResult, FillModel, Sizing, TradeEnd
from munshi.domain.market.calendar import Segment
from munshi.domain.market.charges import Side
from munshi.domain.market.intervals import Interval
from munshi.domain.market.kept_quotes import QuoteTrack
from munshi.errors import BacktestCapitalTooSmallError

IN_AND_OUT: dict[str, Orders] = {
    "2024-06-12 09:35": enter(),
    "2024-06-12 10:00": (Exit(name="a"),),
}
HOURS = trading_hours(
    (WEDNESDAY, THURSDAY), interval=Interval.ONE_MINUTE, segment=Segment.FNO, calendar=CALENDAR
)
Clocks = Mapping[str, Quoted]


def quoted(clocks: Clocks, day: date = WEDNESDAY) -> QuoteTrack:
    """By the time of the day of each."""
    return quotes_of(
        {ist(f"{day} {clock}").astimezone(UTC): each for clock, each in clocks.items()}
    )


def asked(calls: QuoteTrack, puts: QuoteTrack, *days: date, **other: object) -> OptionRequest:
    """Bars of both contracts close at 90 and 80 rupees all the time."""
    last = (days or (WEDNESDAY,))[-1]
    stored = StoredTracks(
        {
            name: track_of(every_five("2024-06-12 09:15", f"{last} 15:25", price))
            for name, price in ((CALL, 9_000), (PUT, 8_000))
        }
    )
    return option_request(
        underlying(*(days or (WEDNESDAY,))),
        stored,
        fill_model=FillModel.BID_ASK,
        quotes=QuoteBook(HeldQuotes({CALL: calls, PUT: puts}), HOURS),
        **other,
    )


def run(
    calls: Clocks, puts: Clocks, orders: Mapping[str, Orders], **other: object
) -> BacktestResult:
    return run_options(asked(quoted(calls), quoted(puts), **other), Script(orders))


def times(result: BacktestResult) -> list[list[str]]:
    return [[f"{leg.at.astimezone(IST):%H:%M:%S}" for leg in trade.legs] for trade in result.trades]


def test_a_trade_of_two_legs_is_the_ledger_worked_out_by_hand() -> None:
    """A straddle of one lot of 25, sold and bought back on 12 June 2024; slippage is one tick.

    | | sell CE | sell PE | buy CE | buy PE |
    |---|---|---|---|---|
    | bid / offer | 90.00 / 90.40 | 80.50 / 81.00 | 70.00 / 70.20 | 80.70 / 81.00 |
    | price | 89.95 | 80.45 | 70.25 | 81.05 |
    | value | 2,248.75 | 2,011.25 | 1,756.25 | 2,026.25 |
    | brokerage | 20.00 | 20.00 | 20.00 | 20.00 |
    | STT, 0.0625 % of what is sold | 1.41 | 1.26 | - | - |
    | exchange, 0.0495 % and 0.0005 % | 1.12 | 1.01 | 0.88 | 1.01 |
    | stamp, 0.003 % of what is bought | - | - | 0.05 | 0.06 |
    | GST, 18 % | 3.80 | 3.78 | 3.76 | 3.78 |
    """
    calls: Clocks = {
        "09:34:59": (1, 2),  # before the decision
        "09:35:40": (9_000, 9_040, 24, 75),
        "10:00:01": (7_000, 7_020),
    }
    puts: Clocks = {"09:35:02": (8_050, 8_100), "10:00:59": (8_070, 8_100)}

    result = run(calls, puts, IN_AND_OUT)

    [trade] = result.trades
    assert [(leg.instrument, leg.side, leg.quoted, leg.price) for leg in trade.legs] == [
        (CALL, Side.SELL, 9_000, 8_995),
        (PUT, Side.SELL, 8_050, 8_045),
        (CALL, Side.BUY, 7_020, 7_025),
        (PUT, Side.BUY, 8_100, 8_105),
    ]
    costs = [(c.stt, c.transaction, c.stamp, c.gst) for c in (leg.cost for leg in trade.legs)]
    assert costs == [(141, 112, 0, 380), (126, 101, 0, 378), (0, 88, 5, 376), (0, 101, 6, 378)]
    assert (trade.gross, trade.costs, trade.net) == (47_750, 10_192, 37_558)
    assert times(result) == [["09:35:40", "09:35:02", "10:00:01", "10:00:59"]]
    assert result.equity[-1].equity == START + trade.net
    assert result.assumptions[-1].startswith("1 of 4 orders were larger than what stood")


@pytest.mark.parametrize(
    ("calls", "puts", "filled"),
    [
        pytest.param(["09:36:59"], ["09:37:00"], None, id="a second apart, not in one minute"),
        pytest.param(
            ["09:36:59", "09:37:59"], ["09:37:00"], ["09:37:59", "09:37:00"], id="the next minute"
        ),
        pytest.param(
            ["09:36:01", "09:38:03", "09:40:05"],
            ["09:37:01", "09:39:03", "09:40:07"],
            ["09:40:05", "09:40:07"],
            id="when both have one",
        ),
        pytest.param(["10:35:00"], ["10:35:00"], ["10:35:00"] * 2, id="at the end of the wait"),
        pytest.param(["10:35:00"], ["10:35:01"], None, id="one of them too late"),
        pytest.param(["09:36:59"], [], None, id="one of them never"),
    ],
)
def test_legs_are_filled_in_the_first_minute_in_which_every_one_is_quoted(
    calls: list[str], puts: list[str], filled: list[str] | None
) -> None:
    book: Quoted = (7_900, 8_000)
    result = run(
        dict.fromkeys(calls, book),
        dict.fromkeys(puts, book),
        {"2024-06-12 09:35": enter()},
    )

    assert times(result) == [filled or []]
    assert (result.trades[0].end is TradeEnd.UNPRICED) == (filled is None)


def test_a_way_out_without_a_quote_in_its_wait_leaves_the_trade_unpriced() -> None:
    result = run({"09:35:01": (9, 9)}, {"09:35:01": (9, 9)}, IN_AND_OUT)

    [trade] = result.trades
    assert (trade.end, len(trade.legs), trade.net) == (TradeEnd.UNPRICED, 2, 0)
    assert result.equity[-1].equity == START


def test_quotes_fill_and_bars_mark_and_stops_are_judged_by_bars() -> None:
    """Sold at 40 when bars close at 90 and 80: the stop is hit by the first bar after."""
    book: Clocks = {"09:36:30": (4_000, 4_010), "09:40:30": (8_000, 9_100)}
    result = run(book, book, {"2024-06-12 09:35": enter(leg_stop_percent=20)})

    [trade] = result.trades
    marked = result.equity[4]  # of 09:40, with both sold
    assert marked.position == -25 * (9_000 + 8_000)
    assert times(result) == [["09:36:30"] * 2 + ["09:40:30"] * 2]
    assert [leg.quoted for leg in trade.legs] == [4_000, 4_000, 9_100, 9_100]


def test_the_capital_is_checked_at_what_buyers_pay() -> None:
    buys = tuple(replace(leg, side=Side.BUY) for leg in SELLS)
    orders: dict[str, Orders] = {"2024-06-12 09:35": (Enter(name="a", legs=buys),)}
    poor = Sizing(capital=25 * 18_000 - 1, lots=1, lot_size=1)
    book: Clocks = {"09:36:30": (8_000, 9_000)}

    assert run(book, book, orders, sizing=replace(poor, capital=25 * 18_000)).trades
    with pytest.raises(BacktestCapitalTooSmallError, match=r"needs 4,500\.00 rupees"):
        run(book, book, orders, sizing=poor)


def test_what_is_held_to_expiry_settles_as_ever_and_no_quote_is_larger_than_it() -> None:
    book = quoted({"09:36:30": (8_000, 8_010)})
    settles = quoted({"15:29:59.5": (1, 2)}, THURSDAY)
    both = QuoteTrack(
        **{
            name: [*getattr(book, name), *getattr(settles, name)]
            for name in ("stamps", "bids", "offers", "bid_quantities", "offer_quantities")
        }
    )
    orders = {"2024-06-12 09:35": enter(), "2024-06-13 15:25": (Exit(name="a"),)}
    request = asked(both, book, WEDNESDAY, THURSDAY)

    [trade] = run_options(request, Script(orders)).trades

    assert [leg.at for leg in trade.legs[2:]] == [ist("2024-06-13 15:30")] * 2
    assert trade.end is TradeEnd.CLOSED
    assert request.quoted_orders([trade]).count == 2


MINUTES = [ist("2024-06-12 09:10") + timedelta(minutes=number) for number in range(380)]


@given(seed=st.integers(0, 10_000), holes=st.sampled_from([0.0, 0.5, 0.9]), cut=st.integers(1, 70))
def test_the_future_of_a_book_changes_nothing_before(seed: int, holes: float, cut: int) -> None:
    calls, puts = (
        drawn_quotes(MINUTES, lambda _: 8_500, seed=f"{seed} {name}", holes=holes)
        for name in (CALL, PUT)
    )
    orders: dict[str, Orders] = {}
    for number in range(5, 70, 7):
        at = ist("2024-06-12 09:15") + timedelta(minutes=5 * number)
        orders[f"{at.astimezone(IST):%Y-%m-%d %H:%M}"] = (
            enter() if number % 2 else (Exit(name="a"),)
        )
    whole = asked(calls, puts)
    part = whole.until(cut)
    end = part.bars[-1].opens + part.span

    told, cut_off = run_options(whole, Script(orders)), run_options(part, Script(orders))

    past = [leg for trade in told.trades for leg in trade.legs if leg.at < end]
    assert [leg for trade in cut_off.trades for leg in trade.legs] == past
    for trade in told.trades:
        assert all(leg.at >= trade.decided_at for leg in trade.legs)
        minutes = {leg.at.replace(second=0, microsecond=0) for leg in trade.legs[:2]}
        assert len(minutes) <= 1


def test_the_audit_of_options_draws_between_bid_and_offer_and_is_clean() -> None:
    calls, puts = (
        drawn_quotes(MINUTES, lambda _: 8_500, seed=name, holes=0.0) for name in (CALL, PUT)
    )
    request = asked(calls, puts, WEDNESDAY, THURSDAY)

    found = audit(
        request,
        lambda: Script(IN_AND_OUT),
        engine=OptionsEngine(),
        seed=1,
        progress=lambda *_: None,
    )

    rows = {row.name: row.net for row in found.assumptions}
    by_bars = run_options(replace(request, fill_model=FillModel.NEXT_OPEN), Script(IN_AND_OUT))
    assert rows["filled by next_open"] == by_bars.net != found.net
    assert rows["fills anywhere between bid and offer, unlucky 1 in 20"] > found.net
    assert (found.is_clean, found.trades_compared) == (True, 1)
    assert request.coverage()["quoted"] == 2
