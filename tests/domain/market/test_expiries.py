"""Expiry days follow dated weekday rules and move back off holidays."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.expiries import (
    ExpiryKind,
    expiries_between,
    expiry_on_or_after,
    is_monthly_expiry,
)
from munshi.errors import CalendarYearUnknownError, DateRangeInvalidError, MarketFactUnknownError

CALENDAR = MarketCalendar.packaged()
WEEKLY, MONTHLY = ExpiryKind.WEEKLY, ExpiryKind.MONTHLY


def between(underlying: str, start: str, end: str, kind: ExpiryKind) -> list[str]:
    found = expiries_between(
        underlying,
        date.fromisoformat(start),
        date.fromisoformat(end),
        kind=kind,
        calendar=CALENDAR,
    )
    return [f"{day:%a %Y-%m-%d}" for day in found]


@pytest.mark.parametrize(
    ("underlying", "kind", "day", "expiry"),
    [
        ("NIFTY", WEEKLY, "2026-11-20", "2026-11-23"),
        ("NIFTY", MONTHLY, "2026-11-01", "2026-11-23"),
        ("NIFTY", WEEKLY, "2026-11-23", "2026-11-23"),
        ("NIFTY", WEEKLY, "2026-11-24", "2026-12-01"),
        ("NIFTY", MONTHLY, "2026-03-15", "2026-03-30"),
        ("NIFTY", WEEKLY, "2025-08-27", "2025-08-28"),
        ("NIFTY", WEEKLY, "2025-08-29", "2025-09-02"),
        ("NIFTY", WEEKLY, "2021-11-02", "2021-11-03"),
        ("NIFTY", MONTHLY, "2015-01-01", "2015-01-29"),
        ("BANKNIFTY", MONTHLY, "2024-12-01", "2024-12-24"),
        ("BANKNIFTY", MONTHLY, "2026-11-20", "2026-11-23"),
        ("SENSEX", WEEKLY, "2026-01-12", "2026-01-14"),
        ("STOCKS", MONTHLY, "2025-08-01", "2025-08-28"),
        ("STOCKS", MONTHLY, "2025-08-29", "2025-09-30"),
    ],
)
def test_the_next_expiry_is_the_one_the_exchange_listed(
    underlying: str, kind: ExpiryKind, day: str, expiry: str
) -> None:
    found = expiry_on_or_after(underlying, date.fromisoformat(day), kind=kind, calendar=CALENDAR)

    assert found == date.fromisoformat(expiry)


def test_nifty_moved_from_thursday_to_tuesday_in_september_2025() -> None:
    assert between("NIFTY", "2025-08-18", "2025-10-24", WEEKLY) == [
        "Thu 2025-08-21",
        "Thu 2025-08-28",
        "Tue 2025-09-02",
        "Tue 2025-09-09",
        "Tue 2025-09-16",
        "Tue 2025-09-23",
        "Tue 2025-09-30",
        "Tue 2025-10-07",
        "Tue 2025-10-14",
        "Mon 2025-10-20",
    ]


def test_sensex_went_from_friday_to_tuesday_to_thursday() -> None:
    assert between("SENSEX", "2024-12-23", "2025-01-15", WEEKLY) == [
        "Fri 2024-12-27",
        "Fri 2025-01-03",
        "Tue 2025-01-07",
        "Tue 2025-01-14",
    ]
    assert between("SENSEX", "2025-08-20", "2025-09-12", WEEKLY) == [
        "Tue 2025-08-26",
        "Thu 2025-09-04",
        "Thu 2025-09-11",
    ]


def test_bank_nifty_kept_thursday_for_the_month_when_its_weeks_went_to_wednesday() -> None:
    assert between("BANKNIFTY", "2023-08-28", "2023-10-05", WEEKLY) == [
        "Thu 2023-08-31",
        "Wed 2023-09-06",
        "Wed 2023-09-13",
        "Wed 2023-09-20",
        "Thu 2023-09-28",
        "Wed 2023-10-04",
    ]


def test_bank_nifty_has_no_weekly_contract_since_november_2024() -> None:
    assert between("BANKNIFTY", "2024-11-01", "2025-06-30", WEEKLY) == [
        "Wed 2024-11-06",
        "Wed 2024-11-13",
    ]
    with pytest.raises(MarketFactUnknownError, match="BANKNIFTY has no weekly expiry on or after"):
        expiry_on_or_after("BANKNIFTY", date(2026, 1, 5), kind=WEEKLY, calendar=CALENDAR)


def test_an_expiry_can_move_to_a_saturday_on_which_the_market_is_open() -> None:
    assert between("MIDCPNIFTY", "2024-01-16", "2024-01-28", WEEKLY) == ["Sat 2024-01-20"]


def test_a_whole_last_year_can_be_listed_without_the_next_one() -> None:
    found = between("NIFTY", "2026-01-01", "2026-12-31", MONTHLY)

    assert len(found) == 12
    assert found[-1] == "Tue 2026-12-29"


def test_an_expiry_beyond_the_calendar_is_an_error_not_a_guess() -> None:
    with pytest.raises(CalendarYearUnknownError):
        expiry_on_or_after("NIFTY", date(2026, 12, 30), kind=WEEKLY, calendar=CALENDAR)


def test_an_unknown_underlying_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(MarketFactUnknownError) as refusal:
        between("NIFTTY", "2026-01-01", "2026-02-01", WEEKLY)

    assert "NIFTY, BANKNIFTY" in str(refusal.value)


def test_a_range_backwards_is_refused() -> None:
    with pytest.raises(DateRangeInvalidError):
        between("NIFTY", "2026-02-01", "2026-01-01", WEEKLY)


def test_a_monthly_expiry_is_told_from_a_weekly_one() -> None:
    assert is_monthly_expiry("NIFTY", date(2026, 11, 23), calendar=CALENDAR)
    assert not is_monthly_expiry("NIFTY", date(2026, 11, 17), calendar=CALENDAR)


def test_no_closure_in_the_table_is_longer_than_the_search_looks_back() -> None:
    day, closed, longest = date(2015, 1, 1), 0, 0
    while day.year < 2027:
        closed = 0 if CALENDAR.is_settlement_day(day) else closed + 1
        longest = max(longest, closed)
        day += timedelta(days=1)

    assert longest == 4


@given(
    underlying=st.sampled_from(["NIFTY", "SENSEX"]),
    day=st.dates(min_value=date(2023, 6, 1), max_value=date(2026, 11, 30)),
    kind=st.sampled_from([WEEKLY, MONTHLY]),
)
def test_the_next_expiry_is_the_first_of_the_list(
    underlying: str, day: date, kind: ExpiryKind
) -> None:
    expiry = expiry_on_or_after(underlying, day, kind=kind, calendar=CALENDAR)

    listed = expiries_between(underlying, day, expiry, kind=kind, calendar=CALENDAR)

    assert listed == [expiry]
    assert CALENDAR.is_settlement_day(expiry)


@given(
    start=st.dates(min_value=date(2019, 3, 1), max_value=date(2026, 10, 1)),
    length=st.integers(min_value=0, max_value=80),
)
def test_every_monthly_expiry_is_one_of_the_weekly_cycle(start: date, length: int) -> None:
    end = start + timedelta(days=length)

    weekly = expiries_between("NIFTY", start, end, kind=WEEKLY, calendar=CALENDAR)
    monthly = expiries_between("NIFTY", start, end, kind=MONTHLY, calendar=CALENDAR)

    assert set(monthly) <= set(weekly)
    assert weekly == sorted(set(weekly))
