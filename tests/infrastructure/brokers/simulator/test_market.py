"""Longer bars and quotes agree with the minutes they are made of."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from clocks import FakeClock
from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.bars import aggregate, merge, until
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.state import SimulatorState
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles
from munshi.infrastructure.brokers.simulator.universe import Universe, index_named

CALENDAR = MarketCalendar.packaged()
NIFTY = index_named("NIFTY")
LATER = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(LATER)


@pytest.fixture
def market(tmp_path: Path, clock: FakeClock) -> Iterator[Market]:
    state = SimulatorState(tmp_path / "simulator.db", clock=clock).open()
    yield Market(state, SyntheticCandles(CALENDAR), CALENDAR)
    state.close()


def of_day(market: Market, interval: Interval, day: date) -> list[Candle]:
    start = datetime.combine(day, time(), IST)
    return market.bars(NIFTY, interval, start=start, end=start + timedelta(hours=23))


@pytest.mark.parametrize("interval", [i for i in Interval if i is not Interval.ONE_MINUTE])
@pytest.mark.parametrize("day", [date(2024, 3, 2), date(2024, 11, 1), date(2026, 11, 20)], ids=str)
def test_longer_bars_are_their_minutes_merged_on_the_calendars_stamps(
    market: Market, interval: Interval, day: date
) -> None:
    minutes = of_day(market, Interval.ONE_MINUTE, day)
    stamps = [s.astimezone(UTC) for s in CALENDAR.bar_opens(day, interval, NIFTY.segment)]

    bars = of_day(market, interval, day)

    assert [bar.opens for bar in bars] == stamps
    for bar in bars:
        inside = [m for m in minutes if bar.opens <= m.opens < bar.opens + interval.span]
        if interval.is_daily:
            inside = minutes
        nearer = [s for s in stamps if s > bar.opens]
        inside = [m for m in inside if not nearer or m.opens < nearer[0]]
        assert bar == merge(inside, opens=bar.opens)


def test_nothing_of_the_future_is_shown(market: Market, clock: FakeClock) -> None:
    clock.set(datetime(2026, 11, 20, 4, 0, 20, tzinfo=UTC))

    minutes = of_day(market, Interval.ONE_MINUTE, date(2026, 11, 20))
    [day] = of_day(market, Interval.ONE_DAY, date(2026, 11, 20))

    assert minutes[-1].opens == datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    assert day.close == minutes[-1].close


def test_forming_minute_starts_at_its_open_and_becomes_the_whole_bar(market: Market) -> None:
    whole = market.candles.minutes(NIFTY, date(2026, 11, 20))[:30]
    last = whole[-1]

    begun = until(whole, now=last.opens)[-1]
    halfway = until(whole, now=last.opens + timedelta(seconds=30))[-1]
    done = until(whole, now=last.opens + timedelta(minutes=1))[-1]

    assert (begun.open, begun.close, begun.volume) == (last.open, last.open, 0)
    assert halfway.is_sane
    assert last.low <= halfway.low <= halfway.high <= last.high
    assert done == last


def test_before_the_opening_the_latest_prices_are_the_day_befores(
    market: Market, clock: FakeClock
) -> None:
    clock.set(datetime(2026, 11, 20, 3, 30, tzinfo=UTC))

    snapshot = market.snapshot(NIFTY)

    [thursday] = of_day(market, Interval.ONE_DAY, date(2026, 11, 19))
    assert snapshot is not None
    assert snapshot.last.close == thursday.close


def test_expiries_stop_where_the_calendar_does_and_nothing_breaks(market: Market) -> None:
    assert market.listing().instruments

    listed = Universe(CALENDAR).expiries("NIFTY", date(2026, 12, 30))

    assert all(expiry.year == 2026 for expiry in listed)


def test_listing_works_in_a_year_the_calendar_does_not_know(
    market: Market, clock: FakeClock
) -> None:
    clock.set(datetime(2031, 6, 2, 6, 0, tzinfo=UTC))

    listed = market.listing()
    snapshot = market.snapshot(NIFTY)

    assert "NSE:NIFTY 50" in listed.by_symbol
    assert not any(instrument.expiry for instrument in listed.instruments)
    assert snapshot is not None
    assert snapshot.day.opens.astimezone(IST).date() == date(2026, 12, 31)


def test_longer_bars_stand_where_the_session_puts_them_although_its_first_minutes_are_missing(
    market: Market,
) -> None:
    whole = of_day(market, Interval.ONE_MINUTE, date(2026, 11, 20))
    opens = [whole[0].opens]

    bars = list(aggregate(whole[7:], span=timedelta(minutes=5), session_opens=opens))

    assert bars[0] == merge(whole[7:10], opens=whole[5].opens)
    assert bars[1:] == list(aggregate(whole, span=timedelta(minutes=5), session_opens=opens))[2:]
