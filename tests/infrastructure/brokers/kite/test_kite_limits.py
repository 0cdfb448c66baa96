"""Kite's window limits, as data."""

from datetime import timedelta

import pytest

from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.kite.limits import INTERVAL_NAMES, max_span


@pytest.mark.parametrize(
    ("interval", "days", "name"),
    [
        (Interval.ONE_MINUTE, 60, "minute"),
        (Interval.THREE_MINUTES, 100, "3minute"),
        (Interval.FIVE_MINUTES, 100, "5minute"),
        (Interval.TEN_MINUTES, 100, "10minute"),
        (Interval.FIFTEEN_MINUTES, 200, "15minute"),
        (Interval.THIRTY_MINUTES, 200, "30minute"),
        (Interval.ONE_HOUR, 400, "60minute"),
        (Interval.ONE_DAY, 2000, "day"),
    ],
)
def test_every_interval_has_kites_name_and_window(interval: Interval, days: int, name: str) -> None:
    assert max_span(interval) == timedelta(days=days)
    assert INTERVAL_NAMES[interval] == name


def test_no_interval_is_forgotten() -> None:
    assert set(INTERVAL_NAMES) == set(Interval)
