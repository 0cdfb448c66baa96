"""A user's calendar file adds or replaces one whole year, or is refused by the row at fault."""

from copy import deepcopy
from datetime import date

import pytest

from munshi.domain.market.calendar import MarketCalendar, Segment
from munshi.errors import CalendarInvalidError, CalendarYearUnknownError

CALENDAR = MarketCalendar.packaged()
HOLIDAY = {"date": "2027-01-26", "name": "Republic Day", "source": "NSE circular"}
MUHURAT = {
    "date": "2027-10-29",
    "opens": "18:15",
    "closes": "19:15",
    "kind": "muhurat",
    "name": "Muhurat trading",
    "source": "NSE circular",
}
UNKNOWN = MUHURAT | {"opens": None, "closes": None}


def document(**changes: object) -> dict[str, object]:
    year = {"year": 2027, "holidays": [HOLIDAY], "special_sessions": [MUHURAT]}
    return deepcopy(year | changes)


def test_a_new_year_is_added_beside_the_packaged_ones() -> None:
    calendar = CALENDAR.with_overrides([document()])

    assert calendar.years == (*range(2015, 2027), 2027)
    assert calendar.holiday_name(date(2027, 1, 26)) == "Republic Day"
    assert calendar.is_trading_day(date(2027, 10, 29))
    assert calendar.next_trading_day(date(2026, 12, 31)) == date(2027, 1, 1)


def test_the_packaged_calendar_stays_as_it_was() -> None:
    CALENDAR.with_overrides([document()])

    with pytest.raises(CalendarYearUnknownError):
        CALENDAR.is_trading_day(date(2027, 1, 4))


def test_a_known_year_is_replaced_as_a_whole() -> None:
    republic_day = HOLIDAY | {"date": "2026-01-26"}
    late = MUHURAT | {"date": "2026-11-08"}

    calendar = CALENDAR.with_overrides(
        [{"year": 2026, "holidays": [republic_day], "special_sessions": [late]}]
    )

    assert not calendar.has_unknown_hours(date(2026, 11, 8))
    assert len(calendar.sessions(date(2026, 11, 8), Segment.FNO)) == 1
    assert calendar.is_trading_day(date(2026, 11, 24))


def test_a_special_session_may_be_for_one_segment_only() -> None:
    only_fno = MUHURAT | {"segment": "fno"}

    calendar = CALENDAR.with_overrides([document(special_sessions=[only_fno])])

    assert calendar.sessions(date(2027, 10, 29), Segment.FNO)
    assert not calendar.sessions(date(2027, 10, 29), Segment.CASH)


def test_a_year_with_a_gap_before_it_is_listed_by_name() -> None:
    calendar = MarketCalendar({}).with_overrides(
        [
            document(),
            {"year": 2029, "holidays": [HOLIDAY | {"date": "2029-01-26"}]}
            | {"special_sessions": []},
        ]
    )

    with pytest.raises(CalendarYearUnknownError, match="it has 2027, 2029"):
        calendar.is_trading_day(date(2028, 1, 3))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"year": "2027"}, "The year is '2027', which is not a year"),
        ({"year": 27}, "The year is 27"),
        ({"year": True}, "The year is True"),
        ({"holidays": []}, "lists no holiday, so every weekday would count as open"),
        ({"holidays": {}}, "holidays must be a list"),
        ({"holidays": ["2027-01-26"]}, "Row 1 of holidays is not an object"),
        ({"extra": 1}, "The document has extra"),
        ({"holidays": [HOLIDAY, HOLIDAY]}, "Row 2 of holidays repeats 2027-01-26"),
        ({"holidays": [HOLIDAY | {"date": "2026-01-26"}]}, "Row 1 of holidays: 2026-01-26 is not"),
        ({"holidays": [HOLIDAY | {"date": "26-01-2027"}]}, "'26-01-2027' is not a date"),
        ({"holidays": [HOLIDAY | {"date": 20270126}]}, "Row 1 of holidays has no date"),
        ({"holidays": [HOLIDAY | {"source": " "}]}, "Row 1 of holidays has no source"),
        ({"holidays": [{"date": "2027-01-26", "name": "x"}]}, "Row 1 of holidays lacks source"),
        ({"holidays": [HOLIDAY | {"hours": 1}]}, "Row 1 of holidays has hours"),
        ({"special_sessions": [MUHURAT | {"kind": "regular"}]}, "kind must be special or muhurat"),
        ({"special_sessions": [MUHURAT | {"kind": ["x"]}]}, "kind must be special or muhurat"),
        ({"special_sessions": [MUHURAT | {"segment": "gold"}]}, "there is no segment 'gold'"),
        ({"special_sessions": [MUHURAT | {"opens": "6pm"}]}, "opens is '6pm', which is not a time"),
        ({"special_sessions": [MUHURAT | {"opens": None}]}, "opens is None"),
        ({"special_sessions": [MUHURAT | {"closes": "18:15"}]}, "closes at 18:15, before it opens"),
        (
            {"special_sessions": [MUHURAT, UNKNOWN]},
            "Row 2 of special_sessions: 2027-10-29 has both",
        ),
        ({"special_sessions": [MUHURAT | {"segment": []}]}, "there is no segment []"),
        ({"special_sessions": [MUHURAT, MUHURAT]}, "Row 2 of special_sessions overlaps"),
    ],
)
def test_a_wrong_document_is_refused_by_its_row(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(CalendarInvalidError) as refusal:
        CALENDAR.with_overrides([document(**changes)])

    assert sentence in refusal.value.detail


def test_two_documents_for_one_year_are_refused() -> None:
    with pytest.raises(CalendarInvalidError, match="Two documents are for 2027"):
        CALENDAR.with_overrides([document(), document()])
