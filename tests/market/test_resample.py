"""Longer bars are what their minutes say, on the grid of their session."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from made_candles import candle, ist, minutes
from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.domain.market.candles import Candle
from munshi.domain.market.intervals import Interval
from munshi.infrastructure.candles.frames import (
    CANDLE_SCHEMA,
    empty_frame,
    to_candles,
    to_frame,
)
from munshi.market.resample import resample

CALENDAR = MarketCalendar.packaged()
LATER = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = [date(2024, 1, 1), date(2024, 1, 26), date(2024, 3, 2), date(2024, 11, 1), date(2026, 8, 3)]


def bars_of(
    rows: list[Candle],
    interval: Interval,
    *,
    segment: Segment = Segment.CASH,
    now: datetime = LATER,
) -> list[Candle]:
    frame = resample(to_frame(rows), interval=interval, segment=segment, calendar=CALENDAR, now=now)
    assert frame.schema == CANDLE_SCHEMA
    return list(to_candles(frame))


def by_the_book(rows: list[Candle], interval: Interval, segment: Segment) -> list[Candle]:
    """The same, one bar at a time from the calendar's list."""
    found = []
    for day in DAYS:
        sessions = CALENDAR.sessions(day, segment)
        for stamp in CALENDAR.bar_opens(day, interval, segment):
            until = stamp + interval.span
            held = [
                row
                for session in sessions
                for row in sorted(rows, key=lambda row: row.opens)
                if max(stamp, session.opens) <= row.opens < min(until, session.closes)
                and (interval.is_daily or session.opens <= stamp < session.closes)
            ]
            if held:
                interests = [row.oi for row in held if row.oi is not None]
                found.append(
                    Candle(
                        opens=stamp,
                        open=held[0].open,
                        high=max(row.high for row in held),
                        low=min(row.low for row in held),
                        close=held[-1].close,
                        volume=sum(row.volume for row in held),
                        oi=interests[-1] if interests else None,
                    )
                )
    return found


MINUTES = st.builds(
    lambda day, minute, price, oi: candle(
        datetime.combine(day, datetime.min.time(), ist("2024-01-01").tzinfo)
        + timedelta(minutes=minute),
        price=price,
        oi=oi,
    ),
    st.sampled_from(DAYS),
    st.one_of(st.integers(9 * 60, 16 * 60), st.integers(17 * 60, 20 * 60)),
    st.integers(100_000, 200_000),
    st.none() | st.integers(0, 500),
)


@given(
    st.lists(MINUTES, unique_by=lambda row: row.opens, max_size=60),
    st.sampled_from(Interval),
    st.sampled_from(Segment),
)
def test_bars_are_those_made_by_the_book(
    rows: list[Candle], interval: Interval, segment: Segment
) -> None:
    assert bars_of(rows, interval, segment=segment) == by_the_book(rows, interval, segment)


def test_hours_open_at_a_quarter_past_whatever_the_first_trade() -> None:
    rows = list(to_candles(minutes("2024-01-01 09:40", count=350)))

    bars = bars_of(rows, Interval.ONE_HOUR)

    assert [bar.opens for bar in bars] == [ist(f"2024-01-01 {hour:02}:15") for hour in range(9, 16)]
    assert bars[0].open == rows[0].open
    assert bars[-1].volume == 15 * 75


def test_no_bar_spans_the_pause_between_two_sessions() -> None:
    rows = list(to_candles(minutes("2024-03-02 09:15", count=45)))
    rows += to_candles(minutes("2024-03-02 11:30", count=60))

    hours = bars_of(rows, Interval.ONE_HOUR)
    days = bars_of(rows, Interval.ONE_DAY)

    assert [(bar.opens, bar.volume // 75) for bar in hours] == [
        (ist("2024-03-02 09:15"), 45),
        (ist("2024-03-02 11:30"), 60),
    ]
    assert [(bar.opens, bar.volume // 75) for bar in days] == [(ist("2024-03-02 00:00"), 105)]


def test_a_bar_without_any_minute_does_not_exist() -> None:
    rows = [candle(ist("2024-01-01 09:15")), candle(ist("2024-01-01 11:15"))]

    bars = bars_of(rows, Interval.ONE_HOUR)

    assert [bar.opens for bar in bars] == [row.opens for row in rows]


def test_minutes_beyond_the_session_count_for_nothing() -> None:
    rows = [candle(ist("2024-01-20 15:29")), candle(ist("2024-01-20 15:30"), price=900_000_000)]

    (day,) = bars_of(rows, Interval.ONE_DAY)

    assert day.high == rows[0].high


def test_an_open_bar_does_not_exist() -> None:
    rows = list(to_candles(minutes("2024-01-01 09:15", count=70)))

    at_ten_fourteen = bars_of(rows, Interval.ONE_HOUR, now=ist("2024-01-01 10:14"))
    at_ten_fifteen = bars_of(rows, Interval.ONE_HOUR, now=ist("2024-01-01 10:15"))

    assert at_ten_fourteen == []
    assert [bar.opens for bar in at_ten_fifteen] == [ist("2024-01-01 09:15")]


def test_minutes_make_themselves() -> None:
    rows = list(to_candles(minutes("2024-01-01 09:15", count=375)))

    assert bars_of(rows, Interval.ONE_MINUTE) == rows


def test_no_minutes_make_no_bars() -> None:
    assert bars_of(list(to_candles(empty_frame())), Interval.ONE_DAY) == []
