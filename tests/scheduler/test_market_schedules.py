"""Schedules by the market's hours follow the calendar, and say when it ends."""

import json
from datetime import UTC, datetime

from munshi.domain.market.packaged_data import calendar_documents
from munshi.domain.schedules import ExecutionStatus
from scheduler.desk import ASHA, HOUR, Desk

BEFORE_OPEN = {"kind": "market", "event": "open", "offset_minutes": -15}
FIRED = ExecutionStatus.FIRED
CALENDAR = ("market", "calendar.2026")


def packaged(year: int) -> dict[str, object]:
    (document,) = [one for one in calendar_documents() if one["year"] == year]
    found: dict[str, object] = json.loads(json.dumps(document))
    return found


def look_hourly(desk: Desk, days: int) -> None:
    scheduler = desk.scheduler()
    for _ in range(days * 24):
        scheduler.tick()
        desk.clock.advance(HOUR)


def test_only_trading_days_are_due(desk: Desk) -> None:
    desk.save(BEFORE_OPEN)

    look_hourly(desk, 6)

    # From Friday on: Tuesday, 24 November 2026, is Guru Nanak's birthday.
    assert [f"{due:%d %H:%M}" for due in desk.due_times(FIRED)] == [
        "23 03:30",
        "25 03:30",
        "26 03:30",
    ]


def test_a_holiday_added_in_the_configuration_counts_at_once(desk: Desk) -> None:
    desk.save(BEFORE_OPEN)
    scheduler = desk.scheduler()
    scheduler.tick()
    year = packaged(2026)
    holidays = year["holidays"]
    assert isinstance(holidays, list)
    year["holidays"] = sorted(
        [*holidays, {"date": "2026-11-23", "name": "Election", "source": "NSE circular"}],
        key=lambda row: str(row["date"]),
    )

    desk.config.set(*CALENDAR, year, actor=ASHA)
    scheduler.tick()

    with desk.database.reading() as tx:
        (cursor,) = tx.schedules.list_cursors()
    assert cursor.next_due == datetime(2026, 11, 25, 3, 30, tzinfo=UTC)


def test_the_end_of_the_calendar_is_announced_and_a_new_year_goes_on(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 12, 30, 4, 30, tzinfo=UTC))
    desk.save(BEFORE_OPEN)
    look_hourly(desk, 3)
    alerts = {alert.fingerprint: alert.title for alert in desk.open_alerts()}
    fired = len(desk.due_times(FIRED))

    year = {"year": 2027, "holidays": [], "special_sessions": []}
    year["holidays"] = [{"date": "2027-01-26", "name": "Republic Day", "source": "NSE circular"}]
    desk.config.set("market", "calendar.2027", year, actor=ASHA)
    look_hourly(desk, 3)

    assert fired == 1
    assert "The market calendar ends with 2026" in alerts["calendar_ends"]
    assert "does not cover 2027" in alerts["schedule_failed:echo"]
    days = [f"{due:%d %b}" for due in desk.due_times(FIRED)]
    assert days == ["31 Dec", "01 Jan", "04 Jan", "05 Jan"]
    assert desk.open_alerts() == []
