"""One spelling of bar intervals inside, many accepted from outside."""

import pytest

from munshi.domain.market.intervals import Interval
from munshi.errors import IntervalUnknownError


@pytest.mark.parametrize("interval", list(Interval))
def test_every_interval_reads_its_own_spelling(interval: Interval) -> None:
    assert Interval.parse(interval.value) is interval


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("minute", Interval.ONE_MINUTE),
        ("1m", Interval.ONE_MINUTE),
        ("5m", Interval.FIVE_MINUTES),
        ("5min", Interval.FIVE_MINUTES),
        (" 5 Minutes ", Interval.FIVE_MINUTES),
        ("15-min", Interval.FIFTEEN_MINUTES),
        ("30minute", Interval.THIRTY_MINUTES),
        ("hour", Interval.ONE_HOUR),
        ("1h", Interval.ONE_HOUR),
        ("60m", Interval.ONE_HOUR),
        ("day", Interval.ONE_DAY),
        ("1D", Interval.ONE_DAY),
        ("daily", Interval.ONE_DAY),
    ],
)
def test_the_spellings_of_people_and_brokers_are_understood(text: str, interval: Interval) -> None:
    assert Interval.parse(text) is interval


@pytest.mark.parametrize("text", ["", "7m", "minutes5", "week", "5", "1second"])
def test_an_unknown_interval_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(IntervalUnknownError) as refusal:
        Interval.parse(text)

    assert "1minute, 3minute, 5minute, 10minute" in str(refusal.value)


def test_minutes_are_those_of_a_full_bar_and_none_for_a_day() -> None:
    assert [interval.minutes for interval in Interval] == [1, 3, 5, 10, 15, 30, 60, None]
    assert [interval for interval in Interval if interval.is_daily] == [Interval.ONE_DAY]
