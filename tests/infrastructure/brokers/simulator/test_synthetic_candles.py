"""Synthetic candles: sane, the same for every asker, and consistent with each other."""

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.candles import PRICE_SCALE, Candle
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.levels import LevelHistory
from munshi.infrastructure.brokers.simulator.option_prices import RATE
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles
from munshi.infrastructure.brokers.simulator.universe import (
    Universe,
    cash_instruments,
    index_named,
)

CALENDAR = MarketCalendar.packaged()
NIFTY = index_named("NIFTY")
TICK = 500
A_DAY = date(2024, 6, 26)
EXPIRY = date(2024, 6, 27)
DAYS = [date(2015, 6, 3), date(2024, 3, 2), A_DAY, date(2026, 11, 20)]


@pytest.fixture(scope="module")
def candles() -> SyntheticCandles:
    return SyntheticCandles(CALENDAR)


def option(kind: InstrumentKind, strike: int, *, expiry: date = EXPIRY) -> Instrument:
    return Universe(CALENDAR).contract("NIFTY", expiry, kind, strike=Decimal(strike))


def near_the_money(candles: SyntheticCandles, day: date) -> int:
    return round(candles.minutes(NIFTY, day)[0].open / PRICE_SCALE / 50) * 50


@pytest.mark.parametrize("instrument", cash_instruments(), ids=lambda i: i.tradingsymbol)
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_expected_minute_is_there_and_sane(
    candles: SyntheticCandles, instrument: Instrument, day: date
) -> None:
    found = candles.minutes(instrument, day)

    expected = CALENDAR.bar_opens(day, Interval.ONE_MINUTE, instrument.segment)
    assert [bar.opens for bar in found] == expected
    assert all(bar.is_sane for bar in found)
    assert all(
        price % TICK == 0 for bar in found for price in (bar.open, bar.high, bar.low, bar.close)
    )


def test_a_day_is_the_same_whoever_asks_and_in_whatever_order() -> None:
    first, second = SyntheticCandles(CALENDAR), SyntheticCandles(CALENDAR)

    forwards = [first.minutes(NIFTY, day) for day in DAYS]
    backwards = [second.minutes(NIFTY, day) for day in reversed(DAYS)]

    assert forwards == list(reversed(backwards))


def test_threads_that_ask_at_once_see_the_same_levels() -> None:
    days = CALENDAR.trading_days(date(2015, 3, 2), date(2026, 11, 20))[::40]
    alone, shared = LevelHistory("SBIN"), LevelHistory("SBIN")

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared.level, days))

    assert together == [alone.level(day) for day in days]


def test_closed_days_and_unknown_years_have_no_candles(candles: SyntheticCandles) -> None:
    empty = [date(2026, 11, 21), date(2026, 11, 24), date(2014, 6, 2), date(2040, 6, 4)]

    assert [len(candles.minutes(NIFTY, day)) for day in empty] == [0, 0, 0, 0]


def test_day_opens_with_a_gap_and_no_day_runs_away(candles: SyntheticCandles) -> None:
    days = CALENDAR.trading_days(date(2024, 1, 1), date(2024, 12, 31))

    bars = [candles.minutes(NIFTY, day) for day in days]

    gaps = [
        math.log(today[0].open / before[-1].close) for before, today in itertools.pairwise(bars)
    ]
    moves = [
        math.log(today[-1].close / before[-1].close) for before, today in itertools.pairwise(bars)
    ]
    assert sum(gap != 0 for gap in gaps) > 200
    assert 0.004 < math.sqrt(sum(move**2 for move in moves) / len(moves)) < 0.015
    assert max(abs(move) for move in moves) < 0.06


def test_special_day_of_two_sessions_keeps_its_pause(candles: SyntheticCandles) -> None:
    found = candles.minutes(NIFTY, date(2024, 3, 2))

    clock = [bar.opens.astimezone(IST).time() for bar in found]
    assert len(found) == 105
    assert time(10, 0) not in clock
    assert time(11, 30) in clock


def test_contracts_trade_the_longer_session_since_august_2026(candles: SyntheticCandles) -> None:
    future = Universe(CALENDAR).contract("NIFTY", date(2026, 11, 23), InstrumentKind.FUTURE)

    found = candles.minutes(future, date(2026, 11, 20))

    assert len(found) == 385
    assert found[-1].opens.astimezone(IST).time() == time(15, 39)


def test_calls_and_puts_keep_parity_within_ticks(candles: SyntheticCandles) -> None:
    expiry = date(2024, 7, 25)
    future = Universe(CALENDAR).contract("NIFTY", expiry, InstrumentKind.FUTURE)
    forwards = candles.minutes(future, A_DAY)
    middle = near_the_money(candles, A_DAY)
    ends = datetime.combine(expiry, time(15, 30), IST).astimezone(UTC)

    for strike in range(middle - 600, middle + 650, 200):
        calls = candles.minutes(option(InstrumentKind.CALL, strike, expiry=expiry), A_DAY)
        puts = candles.minutes(option(InstrumentKind.PUT, strike, expiry=expiry), A_DAY)
        for call, put, forward in zip(calls, puts, forwards, strict=True):
            left = (ends - call.opens - timedelta(minutes=1)) / timedelta(days=365)
            discount = math.exp(-RATE * left)
            fair = discount * (forward.close - strike * PRICE_SCALE)
            assert abs(call.close - put.close - fair) <= 2 * TICK


def test_options_end_at_intrinsic_value_and_the_future_at_the_index(
    candles: SyntheticCandles,
) -> None:
    close = candles.minutes(NIFTY, EXPIRY)[-1].close
    middle = near_the_money(candles, EXPIRY)
    future = Universe(CALENDAR).contract("NIFTY", EXPIRY, InstrumentKind.FUTURE)

    assert candles.minutes(future, EXPIRY)[-1].close == close
    for strike in range(middle - 300, middle + 350, 50):
        call = candles.minutes(option(InstrumentKind.CALL, strike), EXPIRY)[-1].close
        put = candles.minutes(option(InstrumentKind.PUT, strike), EXPIRY)[-1].close
        above = close - strike * PRICE_SCALE
        assert abs(call - max(above, 0)) <= TICK
        assert abs(put - max(-above, 0)) <= TICK


def test_dearer_strikes_make_cheaper_calls_and_dearer_puts(candles: SyntheticCandles) -> None:
    middle = near_the_money(candles, A_DAY)
    strikes = range(middle - 500, middle + 550, 50)

    calls = [candles.minutes(option(InstrumentKind.CALL, k), A_DAY)[0].open for k in strikes]
    puts = [candles.minutes(option(InstrumentKind.PUT, k), A_DAY)[0].open for k in strikes]

    assert calls == sorted(calls, reverse=True)
    assert puts == sorted(puts)


def test_option_bars_are_sane_and_traded_in_lots(candles: SyntheticCandles) -> None:
    call = option(InstrumentKind.CALL, near_the_money(candles, A_DAY))

    found = candles.minutes(call, A_DAY)

    assert call.lot_size == 25
    assert all(bar.is_sane for bar in found)
    assert all(bar.volume % 25 == 0 and (bar.oi or 0) % 25 == 0 for bar in found)
    assert total(found) > 0


@pytest.mark.parametrize("day", [A_DAY, EXPIRY], ids=str)
def test_closing_is_the_last_minutes_close(candles: SyntheticCandles, day: date) -> None:
    future = Universe(CALENDAR).contract("NIFTY", EXPIRY, InstrumentKind.FUTURE)
    call = option(InstrumentKind.CALL, near_the_money(candles, day))

    for instrument in (NIFTY, future, call):
        assert candles.closing(instrument, day) == candles.minutes(instrument, day)[-1].close


def test_contract_has_no_prices_before_listing_and_after_expiry(candles: SyntheticCandles) -> None:
    call = option(InstrumentKind.CALL, 23_500)

    assert candles.minutes(call, date(2024, 6, 28)) == ()
    assert candles.minutes(call, date(2023, 6, 28)) == ()
    assert candles.closing(call, date(2024, 6, 28)) is None


def total(bars: Sequence[Candle]) -> int:
    return sum(bar.volume for bar in bars)
