"""Due times that are remembered are those that would be worked out anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from munshi.domain.market.calendar import MarketCalendar
from munshi.scheduler.ahead import Ahead, next_due
from munshi.scheduler.plan import Planned
from scheduler.desk import Desk, every

FIRST = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
BEFORE_OPEN = {"kind": "market", "event": "open", "offset_minutes": -15, "segment": "cash"}
TRIGGERS: dict[str, dict[str, Any]] = {
    "every seven minutes": every(7),
    "over a clock change": {
        "kind": "cron",
        "expression": "*/20 0-3 * * *",
        "zone": "Europe/London",
    },
    "in a repeated hour": {"kind": "cron", "expression": "30 1 * * *", "zone": "Europe/London"},
    "at times": {"kind": "times", "times": ["04:10", "11:00"], "weekdays_only": False},
    "before the open": BEFORE_OPEN,
}


def _of(desk: Desk, ahead: Ahead) -> Planned:
    with desk.database.reading() as tx:
        return ahead.planned(tx)["echo"]


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS)
def test_what_is_remembered_is_what_would_be_worked_out(
    desk: Desk, trigger: dict[str, Any]
) -> None:
    desk.save(trigger)
    ahead, calendar = Ahead(4), MarketCalendar.packaged()
    planned = _of(desk, ahead)
    assert planned.schedule is not None

    # Three minutes at a time, and now and then a clock that is set back.
    for turn in range(400):
        now = FIRST + timedelta(minutes=3 * turn - (50 if turn % 40 == 39 else 0))
        anew = next_due(planned.schedule.trigger, calendar, now, many=4)
        assert ahead.coming(planned, calendar, now) == (anew.due, None)


def test_nothing_is_worked_out_twice_before_it_is_due(desk: Desk) -> None:
    desk.save(every(10))
    ahead, calendar = Ahead(4), MarketCalendar.packaged()
    planned = _of(desk, ahead)

    due, _ = ahead.coming(planned, calendar, FIRST)

    assert ahead.coming(planned, calendar, due[0] - timedelta(seconds=1))[0] is due
    assert ahead.coming(planned, calendar, due[0])[0][0] == due[1]
    assert _of(desk, ahead) is planned


def test_a_change_of_the_schedule_or_of_the_calendar_is_noticed(desk: Desk) -> None:
    trigger = {"kind": "market", "event": "open", "offset_minutes": 0, "segment": "cash"}
    ahead = Ahead(1)
    desk.save(trigger)
    monday = datetime(2026, 10, 26, 3, 45, tzinfo=UTC)
    assert ahead.coming(_of(desk, ahead), desk.calendar(), FIRST)[0] == (monday,)

    desk.save({**trigger, "offset_minutes": 5})
    later = monday + timedelta(minutes=5)
    assert ahead.coming(_of(desk, ahead), desk.calendar(), FIRST)[0] == (later,)

    closed = MarketCalendar.packaged().with_overrides(
        [{"year": 2026, "holidays": [{"date": "2026-10-26", "name": "x", "source": "y"}],
          "special_sessions": []}]
    )  # fmt: skip
    assert ahead.coming(_of(desk, ahead), closed, FIRST)[0] == (later + timedelta(days=1),)

    desk.save(trigger, enabled=False)
    assert ahead.coming(_of(desk, ahead), closed, FIRST) == ((), None)
