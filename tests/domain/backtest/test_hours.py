"""When a bar closes and how long an order may wait: by the hours of the exchange, not by clocks."""

from datetime import date, datetime, timedelta

import pytest

from domain.backtest.test_kernel import FLAT, LONG, PAISA, SHORT, Script, request
from made_candles import ist
from munshi.domain.backtest.hours import TradingHours, trading_hours
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.results import BacktestResult, FillModel, TradeEnd
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval

FRIDAY, MONDAY = date(2024, 6, 7), date(2024, 6, 10)
HOUR = Interval.ONE_HOUR


def hours_of(*days: date, interval: Interval = HOUR) -> TradingHours:
    return trading_hours(
        days, interval=interval, segment=Segment.CASH, calendar=MarketCalendar.packaged()
    )


def at(*stamps: str) -> list[Candle]:
    """Bars of other prices each."""
    prices = [(2_000_000 + number) * PAISA for number in range(len(stamps))]
    return [
        Candle(opens=ist(stamp), open=price, high=price, low=price, close=price, volume=1)
        for stamp, price in zip(stamps, prices, strict=True)
    ]


def run(bars: list[Candle], targets: list[object], **other: object) -> BacktestResult:
    told = request(bars, span=HOUR.span, hours=hours_of(FRIDAY, MONDAY), **other)
    return Kernel().run(told, Script(targets), progress=lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interval", "stamp", "closes"),
    [
        (HOUR, "2024-06-07 14:15", "2024-06-07 15:15"),
        (HOUR, "2024-06-07 15:15", "2024-06-07 15:30"),
        (Interval.ONE_MINUTE, "2024-06-07 15:29", "2024-06-07 15:30"),
        (Interval.ONE_DAY, "2024-06-07 00:00", "2024-06-07 15:30"),
        # Two sessions on a Saturday: 09:15 to 10:00 and 11:30 to 12:30.
        (Interval.ONE_DAY, "2024-05-18 00:00", "2024-05-18 12:30"),
        (HOUR, "2024-05-18 09:15", "2024-05-18 10:00"),
        # A day whose hours are not known: what the bar says of itself.
        (HOUR, "2024-06-09 15:15", "2024-06-09 16:15"),
    ],
)
def test_a_bar_closes_no_later_than_its_session(
    interval: Interval, stamp: str, closes: str
) -> None:
    hours = hours_of(date(2024, 5, 18), FRIDAY, MONDAY, interval=interval)
    assert list(hours.closes(at(stamp), interval.span)) == [ist(closes)]


def test_the_short_last_bar_of_an_hour_is_decided_filled_and_marked_at_its_close() -> None:
    bars = at("2024-06-07 14:15", "2024-06-07 15:15", "2024-06-10 09:15")
    result = run(bars, [LONG, FLAT, None], fill_model=FillModel.NEXT_CLOSE)
    [trade] = result.trades
    assert trade.decided_at == ist("2024-06-07 15:15")
    assert [leg.at for leg in trade.legs] == [ist("2024-06-07 15:30"), ist("2024-06-10 10:15")]
    assert [point.at for point in result.equity][1] == ist("2024-06-07 15:30")


@pytest.mark.parametrize(
    ("minutes", "next_bar", "end"),
    [
        (
            60,
            "2024-06-10 10:15",
            TradeEnd.OPEN_AT_END,
        ),  # decided on Friday at 15:30, one bar of Monday missing
        (59, "2024-06-10 10:15", TradeEnd.UNPRICED),
        (0, "2024-06-10 09:15", TradeEnd.OPEN_AT_END),  # a weekend is no trading
        (60, "2024-06-10 11:15", TradeEnd.UNPRICED),
    ],
)
def test_an_order_to_open_waits_so_much_of_trading_then_it_lapses(
    minutes: int, next_bar: str, end: TradeEnd
) -> None:
    bars = at("2024-06-07 15:15", next_bar, "2024-06-10 14:15")
    result = run(bars, [LONG, None, None], max_wait=timedelta(minutes=minutes))
    [trade] = result.trades
    assert trade.end is end
    assert trade.decided_at == ist("2024-06-07 15:30")


def test_the_way_out_never_lapses_and_what_is_wanted_again_is_a_new_order() -> None:
    bars = at("2024-06-07 14:15", "2024-06-07 15:15", "2024-06-10 12:15", "2024-06-10 13:15")
    result = run(bars, [LONG, SHORT, SHORT, SHORT])
    closed, lapsed, again = result.trades
    out: datetime = closed.legs[1].at
    assert (closed.end, out) == (TradeEnd.CLOSED, ist("2024-06-10 12:15"))
    assert (lapsed.end, lapsed.decided_at) == (TradeEnd.UNPRICED, ist("2024-06-07 15:30"))
    assert (again.end, again.decided_at) == (TradeEnd.OPEN_AT_END, ist("2024-06-10 13:15"))
    assert again.legs[0].at == ist("2024-06-10 13:15")
