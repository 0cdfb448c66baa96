"""When so many requests will have been made: walked by hand on round figures."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from munshi.clock import IST
from munshi.domain.quota_forecast import Allowance, forecast

OPEN_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
# As Kite's history and all of Breeze.
FAST = Allowance(requests=3, seconds=1.0, opens_at=OPEN_SINCE)
SLOW = Allowance(requests=100, seconds=60.0, opens_at=OPEN_SINCE, daily=5000)


def at(text: str) -> datetime:
    """Of November 2026, IST; the 20th is a Friday."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=IST)


def kept(day: date) -> datetime | None:
    closes = datetime(day.year, day.month, day.day, 15, 30, tzinfo=IST)
    return closes if day.weekday() < 5 else None


CASES: list[tuple[int, Allowance, str, str, str]] = [
    (0, SLOW, "20 10:00", "20 10:00", "will finish today 10:00"),
    (10_800, FAST, "20 10:00", "20 11:00", "will finish today 11:00"),
    (10_800, FAST, "20 23:30", "21 00:30", "will finish tomorrow 00:30"),
    (100, replace(SLOW, opens_at=at("20 10:05")), "20 10:00", "20 10:06", "today 10:06"),
    # 5,000 take 50 minutes; what is beyond them begins at midnight.
    (5000, SLOW, "20 22:00", "20 22:50", "will finish today 22:50"),
    (6000, SLOW, "20 22:00", "21 00:10", "will finish tomorrow 00:10, daily quota"),
    (6000, replace(SLOW, used=4900), "20 22:00", "22 00:09", "on 22 Nov 2026 00:09, daily quota"),
    # A fifth is kept until the close: 4,000 by 10:40, the rest from 15:30 on.
    (5000, replace(SLOW, daily_kept=1000), "20 10:00", "20 15:40", "today 15:40, daily quota"),
    (5000, replace(SLOW, daily_kept=1000), "21 10:00", "21 10:50", "will finish today 10:50"),
    (5000, replace(SLOW, daily_kept=1000), "20 16:00", "20 16:50", "will finish today 16:50"),
    # Used up on Friday, and closed for the rest of it.
    (100, replace(SLOW, used=5000), "20 12:00", "21 00:01", "tomorrow 00:01, daily quota"),
]


@pytest.mark.parametrize(("requests", "allowance", "now", "ends", "said"), CASES)
def test_quotas_say_when_it_ends(
    requests: int, allowance: Allowance, now: str, ends: str, said: str
) -> None:
    found = forecast(requests, allowance, kept_until=kept, now=at(now))

    assert found is not None
    assert abs(found.ends_at - at(ends)) < timedelta(seconds=1)
    assert said in found.said(now=at(now))
    assert found.waits_for_day is said.endswith("daily quota")


def test_a_limit_that_lets_nothing_through_has_no_end() -> None:
    nothing = replace(SLOW, daily=0)

    assert forecast(1, nothing, kept_until=kept, now=at("20 10:00")) is None
