"""The calendar with the years that users imported: kept, audited, and refused whole if wrong."""

from datetime import date

import pytest

from desks import TESTER, Desk
from munshi.errors import CalendarInvalidError, CalendarYearUnknownError

YEAR = {
    "year": 2027,
    "holidays": [{"date": "2027-01-26", "name": "Republic Day", "source": "NSE circular"}],
    "special_sessions": [],
}


def test_an_imported_year_counts_from_the_next_question_on(desk: Desk) -> None:
    with pytest.raises(CalendarYearUnknownError, match="does not cover 2027"):
        desk.services.calendar.calendar().is_trading_day(date(2027, 1, 25))

    year = desk.services.calendar.import_year(YEAR, actor=TESTER)

    calendar = desk.services.calendar.calendar()
    assert year == 2027
    assert calendar.is_trading_day(date(2027, 1, 25))
    assert calendar.holiday_name(date(2027, 1, 26)) == "Republic Day"
    assert calendar.is_trading_day(date(2026, 11, 20))


def test_an_imported_year_is_a_configuration_value_with_its_audit_row(desk: Desk) -> None:
    desk.services.calendar.import_year(YEAR, actor=TESTER)

    assert desk.services.config.value("market", "calendar.2027") == YEAR
    newest = desk.services.audit.page(entity_type="config").entries[0]
    assert newest.user_id == "tester"
    assert newest.entity_id is not None
    assert "calendar.2027" in newest.entity_id


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        YEAR | {"year": "2027"},
        YEAR | {"holidays": [{"date": "2026-01-26", "name": "x", "source": "x"}]},
    ],
)
def test_a_wrong_document_is_refused_and_not_kept(desk: Desk, wrong: dict[str, object]) -> None:
    with pytest.raises(CalendarInvalidError):
        desk.services.calendar.import_year(wrong, actor=TESTER)

    with pytest.raises(CalendarYearUnknownError):
        desk.services.calendar.calendar().is_trading_day(date(2027, 1, 25))
