"""Triggers: when each kind is due, what it says in words, what it refuses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.triggers import Trigger, read_trigger
from munshi.errors import CalendarYearUnknownError, ConfigValueInvalidError

CALENDAR = MarketCalendar.packaged()
FRIDAY = datetime(2026, 11, 20, 10, 0, tzinfo=IST)
TIMES = {"kind": "times", "times": ["06:15", "07:35"]}
CRON = {"kind": "cron", "expression": "15 6 * * 1-5"}
EVERY = {"kind": "interval", "every": 15, "unit": "minutes"}
BEFORE_OPEN = {"kind": "market", "event": "open", "offset_minutes": -15}
ON_EXPIRY = {"kind": "market", "at": ["09:20"], "days": "expiry", "underlying": "NIFTY"}
ALL = (TIMES, CRON, EVERY, BEFORE_OPEN, ON_EXPIRY)


def next_in_ist(document: Mapping[str, Any], count: int = 3, *, after: datetime = FRIDAY) -> str:
    due = islice(read_trigger(document).due_after(after, CALENDAR), count)
    return ", ".join(f"{instant.astimezone(IST):%d %b %H:%M}" for instant in due)


@pytest.mark.parametrize(
    ("document", "due", "said"),
    [
        (
            TIMES,
            "21 Nov 06:15, 21 Nov 07:35, 22 Nov 06:15",
            "at 06:15 and 07:35 IST, every day",
        ),
        (
            {**TIMES, "weekdays_only": True},
            "23 Nov 06:15, 23 Nov 07:35, 24 Nov 06:15",
            "at 06:15 and 07:35 IST, Monday to Friday",
        ),
        (
            CRON,
            "23 Nov 06:15, 24 Nov 06:15, 25 Nov 06:15",
            "at 06:15 on Monday through Friday (IST)",
        ),
        (
            {"kind": "cron", "expression": "0 9 * * *", "zone": "Europe/London"},
            "20 Nov 14:30, 21 Nov 14:30, 22 Nov 14:30",
            "at 09:00 every day (Europe/London)",
        ),
        (
            EVERY,
            "20 Nov 10:15, 20 Nov 10:30, 20 Nov 10:45",
            "every 15 minutes, counted from midnight IST",
        ),
        (
            {"kind": "interval", "every": 1, "unit": "days", "anchor": "2026-12-01T09:05:00+05:30"},
            "21 Nov 09:05, 22 Nov 09:05, 23 Nov 09:05",
            "every day, counted from 01 Dec 2026 09:05:00 IST",
        ),
        (
            BEFORE_OPEN,
            "23 Nov 09:00, 25 Nov 09:00, 26 Nov 09:00",
            "15 minutes before the open of shares and indices on trading days",
        ),
        (
            {"kind": "market", "event": "close", "segment": "fno", "offset_minutes": 1},
            "20 Nov 15:41, 23 Nov 15:41, 25 Nov 15:41",
            "1 minute after the close of futures and options on trading days",
        ),
        (
            {"kind": "market", "event": "close", "segment": "cash_cas"},
            "20 Nov 15:15, 23 Nov 15:15, 25 Nov 15:15",
            "at the close of shares with F&O on trading days",
        ),
        # The 24th, a Tuesday, is a holiday: NIFTY expires on the day before.
        (
            ON_EXPIRY,
            "23 Nov 09:20, 01 Dec 09:20, 08 Dec 09:20",
            "at 09:20 IST on expiry days of NIFTY",
        ),
        (
            {**ON_EXPIRY, "underlying": "banknifty", "expiry": "monthly"},
            "23 Nov 09:20, 29 Dec 09:20",
            "at 09:20 IST on monthly expiry days of BANKNIFTY",
        ),
    ],
)
def test_each_kind_is_due_when_it_says(document: dict[str, Any], due: str, said: str) -> None:
    count = due.count(",") + 1

    assert next_in_ist(document, count) == due
    assert read_trigger(document).describe() == said


def test_a_day_with_two_sessions_opens_once_and_closes_once() -> None:
    saturday = datetime(2024, 3, 1, 20, 0, tzinfo=IST)

    opens = next_in_ist({"kind": "market", "event": "open"}, 2, after=saturday)
    closes = next_in_ist({"kind": "market", "event": "close"}, 2, after=saturday)

    assert opens == "02 Mar 09:15, 04 Mar 09:15"
    assert closes == "02 Mar 12:30, 04 Mar 15:30"


def test_an_offset_may_cross_midnight() -> None:
    day_before = {"kind": "market", "event": "open", "offset_minutes": -720}

    assert next_in_ist(day_before, 2) == "22 Nov 21:15, 24 Nov 21:15"


def test_market_days_end_with_the_calendar() -> None:
    due = read_trigger(BEFORE_OPEN).due_after(datetime(2026, 12, 30, 12, tzinfo=UTC), CALENDAR)

    assert next(due).astimezone(IST).day == 31
    with pytest.raises(CalendarYearUnknownError, match="does not cover 2027"):
        next(due)


@pytest.mark.parametrize("document", ALL)
def test_a_due_time_itself_is_not_due_again(document: dict[str, Any]) -> None:
    trigger = read_trigger(document)
    first, second = islice(trigger.due_after(FRIDAY, CALENDAR), 2)

    assert next(trigger.due_after(first, CALENDAR)) == second
    assert next(trigger.due_after(first - timedelta(microseconds=1), CALENDAR)) == first


@pytest.mark.parametrize("document", ALL)
def test_what_is_stored_reads_back_as_the_same(document: dict[str, Any]) -> None:
    trigger = read_trigger(document)

    assert read_trigger(trigger.to_json()) == trigger


ZONES = ("Asia/Kolkata", "Europe/London", "America/New_York", "Australia/Lord_Howe")
EXPRESSIONS = ("30 1 * * *", "0,30 1-3 * * *", "*/20 * * * *", "5 */3 * * *", "59 23 L * *")


@given(
    st.sampled_from(ZONES),
    st.sampled_from(EXPRESSIONS),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_cron_goes_forward_and_is_the_same_from_wherever_one_begins(
    zone: str, expression: str, after: datetime
) -> None:
    trigger = read_trigger({"kind": "cron", "expression": expression, "zone": zone})

    walked = list(islice(trigger.due_after(after, CALENDAR), 8))
    restarted = [next(trigger.due_after(due, CALENDAR)) for due in [after, *walked[:-1]]]

    assert all(before < later for before, later in pairwise([after, *walked]))
    assert restarted == walked


def refused(document: object) -> ConfigValueInvalidError:
    with pytest.raises(ConfigValueInvalidError) as refusal:
        read_trigger(document)
    return refusal.value


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 0 31 2 *", "is never due: no day is like that."),
        ("0 0 30 2 *", "is never due"),
        ("0 0 31 4,6,9,11 *", "is never due"),
        ("61 * * * *", "has a minute that cannot be read."),
        ("0 25 * * *", "has a hour that cannot be read."),
        ("0 0 * * FUNDAY", "has a day-of-week that cannot be read."),
        ("0 0 32 * *", "has a day-of-month that cannot be read."),
        ("* * * *", "has 4 fields instead of five."),
        ("0 0 0 1 1 *", "has 6 fields instead of five."),
        ("@daily", "has 1 fields instead of five."),
        ("²L * * * *", "has a minute that cannot be read."),
        ("* * * * 5L/2", "has a day-of-week that cannot be read."),
    ],
)
def test_a_cron_that_cannot_be_or_never_fires_is_refused(expression: str, said: str) -> None:
    error = refused({"kind": "cron", "expression": expression})

    assert said in error.detail
    assert "15 6 * * 1-5" in str(error.hint)


def test_a_rare_cron_is_not_a_cron_that_never_fires() -> None:
    leap = {"kind": "cron", "expression": "0 0 * 2 MON#5"}

    (due,) = islice(read_trigger(leap).due_after(FRIDAY, CALENDAR), 1)

    assert due.astimezone(IST).date().isoformat() == "2044-02-29"


@pytest.mark.parametrize(
    "zone", ["Mars/Base", "", "..", "/etc/passwd", "Asia", "\ud800", "a" * 99, "Asia/Kolkata\n"]
)
def test_an_unknown_zone_is_refused(zone: str) -> None:
    error = refused({**CRON, "zone": zone})

    assert "zone" in error.detail


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "trigger must be an object whose kind is one of times, cron, interval, market."),
        ({"kind": "moon"}, "whose kind is one of times, cron"),
        ({"kind": ["cron"]}, "whose kind is one of times, cron"),
        ({"kind": "times"}, "trigger lacks times."),
        ({**TIMES, "zone": "UTC"}, "trigger has no field 'zone'"),
        ({**EVERY, "every": 0}, "trigger.every must be from 1 to 10000"),
        ({**EVERY, "unit": "weeks"}, "trigger.unit must be one of seconds, minutes, hours, days"),
        ({**EVERY, "anchor": "2026-11-25T09:15:00"}, "must be a point in time with its zone"),
        ({**EVERY, "anchor": "soon"}, "must be a point in time with its zone"),
        ({**EVERY, "anchor": "0001-01-01T00:00:00Z"}, "must be a point in time with its zone"),
        ({"kind": "market"}, "needs either an event or the times in at."),
        ({**BEFORE_OPEN, "at": ["09:00"]}, "needs either an event or the times in at."),
        ({**BEFORE_OPEN, "offset_minutes": -721}, "must be from -720 to 720"),
        ({**BEFORE_OPEN, "segment": "gold"}, "must be one of cash, cash_cas, fno"),
        ({**ON_EXPIRY, "offset_minutes": 5}, "counts from an event"),
        ({"kind": "market", "event": "open", "days": "expiry"}, "needs an underlying"),
        ({**BEFORE_OPEN, "underlying": "NIFTY"}, "needs an underlying for expiry days"),
        ({**BEFORE_OPEN, "expiry": "weekly"}, "says which expiry days"),
        ({**ON_EXPIRY, "underlying": "GOLD"}, "is never due: No expiry rules are known"),
        ({**ON_EXPIRY, "underlying": "BANKNIFTY"}, "is never due: BANKNIFTY has no weekly expiry"),
    ],
)
def test_what_does_not_fit_is_named_in_one_sentence(document: object, said: str) -> None:
    error = refused(document)

    assert said in error.detail
    assert "\n" not in str(error)


def test_every_kind_has_a_name_of_its_own() -> None:
    triggers: list[Trigger] = [read_trigger(document) for document in ALL]

    assert {trigger.to_json()["kind"] for trigger in triggers} == {
        "times",
        "cron",
        "interval",
        "market",
    }
