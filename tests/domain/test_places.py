"""Cursors of lists that show the newest first."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest

from munshi.domain.places import TOP, Page, Place, cut, read_cursor, spell_cursor
from munshi.errors import CursorInvalidError

PLACE = Place(at=datetime(2026, 11, 20, 3, 45, 0, 123456, tzinfo=UTC), row=UUID(int=7))


def spelt(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_leads_back_to_its_place_in_its_own_list() -> None:
    cursor = spell_cursor("runs", PLACE)

    assert read_cursor("runs", cursor) == PLACE
    assert read_cursor("runs", None) == TOP
    with pytest.raises(CursorInvalidError):
        read_cursor("alerts", cursor)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "9" * 300,
        "%%%",
        "é",
        spelt("runs"),
        spelt(f"runs 2026-11-20T03:45:00 {UUID(int=7)}"),
        spelt(f"runs 0001-01-01T00:00:00+05:30 {UUID(int=7)}"),
        spelt("runs 2026-11-20T03:45:00+00:00 7"),
        spelt(f"runs 2026-13-20T03:45:00+00:00 {UUID(int=7)}"),
    ],
)
def test_what_is_no_cursor_is_refused_as_that(forged: str) -> None:
    with pytest.raises(CursorInvalidError):
        read_cursor("runs", forged)


@pytest.mark.parametrize(("held", "shown", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_a_page_has_a_next_one_only_if_more_was_found(held: int, shown: int, *, more: bool) -> None:
    rows = list(range(held))

    page: Page[int] = cut(rows, limit=2, name="runs", place=lambda _: PLACE)

    assert list(page.rows) == rows[:shown]
    assert (page.next_cursor is not None) is more
