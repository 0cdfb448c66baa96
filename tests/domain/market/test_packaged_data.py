"""Every packaged market fact says where it comes from and how sure we are of it."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from munshi.domain.market.calendar_year import parse_year
from munshi.domain.market.packaged_data import calendar_documents, rows
from munshi.domain.market.sessions import Segment, session_regimes

DATA = files("munshi.domain.market") / "data"
TABLES = sorted(
    entry.name.removesuffix(".json") for entry in DATA.iterdir() if entry.name.endswith(".json")
)
YEARS = sorted(entry.name for entry in (DATA / "calendar").iterdir())


def all_rows() -> Iterator[Mapping[str, Any]]:
    for table in TABLES:
        yield from rows(table)
    for document in calendar_documents():
        for part in ("holidays", "special_sessions"):
            found = document[part]
            assert isinstance(found, list)
            yield from found


def test_every_row_names_its_source_and_how_sure_it_is() -> None:
    for row in all_rows():
        assert str(row["source"]).strip(), row
        assert row["confidence"] in {"verified", "unverified"}, row


def test_there_is_one_calendar_file_a_year_and_it_holds_that_year() -> None:
    assert [f"{year}.json" for year in range(2015, 2027)] == YEARS
    for name in YEARS:
        document = json.loads((DATA / "calendar" / name).read_text("utf-8"))
        assert f"{parse_year(document).year}.json" == name


@pytest.mark.parametrize("table", TABLES)
def test_no_row_of_a_table_is_there_twice(table: str) -> None:
    facts = [
        json.dumps({key: row[key] for key in row if key not in {"source", "confidence"}})
        for row in rows(table)
    ]

    assert len(facts) == len(set(facts))


def test_every_segment_has_hours_since_before_the_first_calendar_year() -> None:
    for segment in Segment:
        assert any(r.segment is segment and r.since < date(2015, 1, 1) for r in session_regimes())


def test_the_rules_of_one_expiry_cycle_do_not_overlap() -> None:
    cycles: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in rows("expiry_weekdays"):
        cycle = cycles.setdefault((str(row["underlying"]), str(row["kind"])), [])
        cycle.append((str(row["first"]), str(row["last"] or "9999-12-31")))

    for spans in cycles.values():
        assert all(first <= last for first, last in spans)
        assert all(earlier[1] < later[0] for earlier, later in pairwise(sorted(spans)))


def test_a_holiday_on_which_nothing_trades_is_listed_once_and_named() -> None:
    for document in calendar_documents():
        year = parse_year(document)
        traded = {day for day in year.holidays if day in year.special}
        kinds = {session.kind for day in traded for session in year.special[day]}
        assert kinds <= {"muhurat"}
