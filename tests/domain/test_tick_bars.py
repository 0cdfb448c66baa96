"""Minute bars from ticks: the exchange's time rules, and a gap never looks like a whole minute."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.market.gaps import GapReason, StreamGap
from munshi.domain.market.tick_bars import ProvisionalBar, TickBars
from munshi.domain.market.ticks import Tick, TickMode

TEN = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)  # 10:00 IST
SHARE, INDEX = 408065, 256265


def at(seconds: float) -> datetime:
    return TEN + timedelta(seconds=seconds)


def trade(seconds: float, price: str, volume: int, *, told: float | None = None) -> Tick:
    return Tick(
        token=SHARE, mode=TickMode.FULL, is_index=False, last_price=Decimal(price),
        volume=volume, oi=0, traded_at=at(seconds), exchange_at=at(told or seconds),
    )  # fmt: skip


def level(seconds: float, price: str) -> Tick:
    return Tick(
        token=INDEX, mode=TickMode.FULL, is_index=True, last_price=Decimal(price),
        exchange_at=at(seconds),
    )  # fmt: skip


def gap(began: float, ended: float | None, reason: GapReason = GapReason.DROPPED) -> StreamGap:
    return StreamGap(began=at(began), ended=None if ended is None else at(ended), reasons=(reason,))


def started(*, ours: float = 0) -> TickBars:
    """Bars of a stream that is open since one minute before ten; `ours` as our clock runs."""
    bars = TickBars()
    bars.begin_gap(gap(-90 + ours, None, GapReason.STARTING))
    bars.end_gap(gap(-90 + ours, -60 + ours, GapReason.STARTING))
    return bars


def feed(bars: TickBars, *ticks: Tick, ours: float = 0) -> list[ProvisionalBar]:
    """Each tick received as it is sent, by a clock that is `ours` seconds ahead."""
    closed = []
    for tick in ticks:
        assert tick.exchange_at is not None
        received = tick.exchange_at + timedelta(seconds=ours)
        closed += bars.take([tick], received_at=received)
    return closed


@pytest.mark.parametrize("ours", [0, 200, -200, 86400])
def test_a_bar_holds_the_trades_of_its_minute_by_the_exchanges_clock_however_ours_runs(
    ours: float,
) -> None:
    bars = started(ours=ours)

    closed = feed(
        bars,
        trade(-5, "99.00", 1000),
        trade(1, "100.05", 1010),
        trade(20, "101.10", 1030),
        trade(40, "99.95", 1060),
        trade(59, "100.50", 1100),
        trade(61, "102.00", 1101),
        ours=ours,
    )

    bar = closed[-1]
    assert bar.candle.opens == TEN
    assert (bar.candle.open, bar.candle.high) == (1000500, 1011000)
    assert (bar.candle.low, bar.candle.close) == (999500, 1005000)
    assert (bar.candle.volume, bar.is_whole) == (100, True)
    assert bar.candle.is_sane


def test_a_message_about_the_book_alone_makes_no_bar() -> None:
    bars = started()
    feed(bars, trade(5, "100", 1000))

    closed = feed(bars, trade(5, "100", 1000, told=65), trade(5, "100", 1000, told=130))

    assert [bar.candle.opens for bar in closed] == [TEN]
    assert bars.close_all() == []


def test_an_index_goes_by_its_message_and_has_no_volume() -> None:
    closed = feed(started(), level(1, "25000.5"), level(30, "25010"), level(62, "24990"))

    [bar] = closed
    assert (bar.candle.open, bar.candle.close, bar.candle.volume) == (250005000, 250100000, 0)
    assert bar.is_whole


def test_a_minute_is_closed_by_time_when_nothing_more_comes() -> None:
    bars = started()
    feed(bars, trade(10, "100", 1000))

    assert bars.close_due(now=at(64)) == []
    [bar] = bars.close_due(now=at(65))
    assert bar.candle.opens == TEN
    assert bars.close_due(now=at(600)) == []


def test_the_minute_in_which_a_stream_begins_is_not_whole() -> None:
    bars = TickBars()
    bars.begin_gap(gap(-30, None, GapReason.STARTING))
    bars.end_gap(gap(-30, 5, GapReason.STARTING))

    first, second = feed(
        bars, trade(10, "100", 1000), trade(70, "101", 1200), trade(130, "102", 1300)
    )

    assert (first.is_whole, second.is_whole) == (False, True)
    assert (first.candle.volume, second.candle.volume) == (0, 200)


@pytest.mark.parametrize("ours", [0, 200, -200])
def test_every_minute_that_a_gap_touches_is_incomplete_and_takes_no_volume_from_it(
    ours: float,
) -> None:
    bars = started(ours=ours)
    closed = feed(bars, trade(10, "100", 1000), trade(70, "101", 1100), ours=ours)
    bars.begin_gap(gap(95 + ours, None))
    bars.end_gap(gap(95 + ours, 250 + ours))

    closed += feed(
        bars,
        trade(255, "105", 9000),
        trade(290, "106", 9050),
        trade(310, "107", 9060),
        trade(370, "107", 9070),
        ours=ours,
    )

    shown = [((bar.candle.opens - TEN).seconds // 60, bar.is_whole) for bar in closed]
    assert shown == [(0, True), (1, False), (4, False), (5, True)]
    assert [bar.candle.volume for bar in closed][2:] == [50, 10]


def test_a_gap_that_still_lasts_and_a_stop_leave_no_whole_minute() -> None:
    bars = started()
    feed(bars, trade(10, "100", 1000))
    bars.begin_gap(gap(30, None))

    [late] = bars.close_due(now=at(120))
    feed(bars, trade(190, "100", 2000))
    [cut] = bars.close_all()

    assert (late.is_whole, cut.is_whole) == (False, False)


def test_a_trade_repeated_after_a_reconnect_opens_no_bar_again() -> None:
    bars = started()
    feed(bars, trade(10, "100", 1000))
    bars.close_due(now=at(70))
    bars.begin_gap(gap(70, None))
    bars.end_gap(gap(70, 80))

    assert feed(bars, trade(10, "100", 1000, told=81)) == []
    assert (bars.close_all(), bars.late) == ([], 0)


def test_a_new_trade_of_a_closed_minute_is_counted_and_changes_nothing() -> None:
    bars = started()
    feed(bars, trade(10, "100", 1000), trade(61, "101", 1100))

    assert feed(bars, trade(59, "50", 1150, told=62)) == []
    assert bars.late == 1


def test_a_volume_that_is_counted_anew_never_makes_a_negative_bar() -> None:
    bars = started()
    closed = feed(bars, trade(10, "100", 5000), trade(70, "100", 40), trade(130, "100", 50))

    assert [bar.candle.volume for bar in closed] == [0, 40]


def test_ticks_without_the_exchanges_time_make_no_bar() -> None:
    bars = started()
    bare = Tick(token=SHARE, mode=TickMode.LTP, is_index=False, last_price=Decimal(100))

    assert bars.take([bare], received_at=TEN) == []
    assert (bars.timeless, bars.close_all()) == (1, [])


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(1, 100_000), st.integers(0, 50)), max_size=60
    ),
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 120)), max_size=4),
)
def test_whatever_comes_bars_are_sane_and_none_that_a_gap_touches_is_whole(
    trades: list[tuple[int, int, int]], cuts: list[tuple[int, int]]
) -> None:
    bars = started()
    gaps = [gap(began, began + lasts) for began, lasts in sorted(cuts)]
    for one in gaps:
        bars.begin_gap(one)
        bars.end_gap(one)
    volume, closed = 0, []
    for seconds, price, traded in sorted(trades):
        volume += traded
        closed += feed(bars, trade(seconds, str(price), volume))
    closed += bars.close_all()

    assert all(bar.candle.is_sane for bar in closed)
    stamps = [bar.candle.opens for bar in closed]
    assert stamps == sorted(set(stamps))
    assert sum(bar.candle.volume for bar in closed) <= volume
    for bar in closed:
        ends = bar.candle.opens + timedelta(minutes=1)
        touched = any(g.began < ends and bar.candle.opens < (g.ended or ends) for g in gaps)
        assert not (touched and bar.is_whole)


def test_a_line_that_opens_makes_no_bar_of_a_trade_that_was_long_before() -> None:
    bars = started()

    closed = feed(
        bars,
        trade(-400, "99.00", 1000, told=1),
        trade(10, "100.05", 1010),
        trade(70, "101.10", 1030),
    )

    assert [(bar.candle.opens, bar.candle.volume) for bar in closed] == [(TEN, 10)]


def test_a_minute_from_before_the_stream_is_never_whole() -> None:
    bars = TickBars(lead=timedelta(seconds=-5))
    bars.begin_gap(gap(-90, None, GapReason.STARTING))
    bars.end_gap(gap(-90, -60, GapReason.STARTING))

    closed = bars.take([level(-7200, "100")], received_at=at(0))

    assert [(bar.candle.opens, bar.is_whole) for bar in closed] == [(at(-7200), False)]


def test_a_minute_of_gaps_that_are_forgotten_is_not_whole() -> None:
    bars = started()
    bars.lead = timedelta()
    for hour in range(1, 4):
        bars.begin_gap(gap(3600 * hour, None))
        bars.end_gap(gap(3600 * hour, 3600 * hour + 10))

    closed = bars.take([level(3605, "100")], received_at=at(3600 * 3 + 20))

    assert [bar.is_whole for bar in closed] == [False]
