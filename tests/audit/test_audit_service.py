"""AuditService: pages of the trail, newest first, with a cursor nobody can forge by accident."""

from datetime import timedelta

import pytest

from clocks import FakeClock
from munshi.audit.service import AuditService
from munshi.domain.audit import Actor
from munshi.errors import CursorInvalidError, RequestInvalidError
from munshi.infrastructure.database.engine import Database

ASHA, RAVI = Actor(user_id="asha"), Actor(user_id="ravi")


@pytest.fixture
def audit(database: Database, clock: FakeClock) -> AuditService:
    with database.transaction() as tx:
        for number in range(7):
            actor = ASHA if number % 2 else RAVI
            tx.audit.log("job", "created", entity_id=str(number), actor=actor, now=clock.now())
            clock.advance(timedelta(minutes=1))
    return AuditService(database, clock)


def ids(audit: AuditService, cursor: str | None, limit: int) -> tuple[list[str | None], str | None]:
    page = audit.page(cursor=cursor, limit=limit)
    return [entry.entity_id for entry in page.entries], page.next_cursor


def test_pages_follow_each_other_without_gap_or_repeat(audit: AuditService) -> None:
    first, to_second = ids(audit, None, 3)
    second, to_third = ids(audit, to_second, 3)
    third, end = ids(audit, to_third, 3)

    assert (first, second, third) == (["6", "5", "4"], ["3", "2", "1"], ["0"])
    assert end is None


def test_a_page_that_ends_with_the_last_row_has_no_next(audit: AuditService) -> None:
    assert audit.page(limit=7).next_cursor is None


def test_rows_written_meanwhile_do_not_shift_the_next_page(
    audit: AuditService, database: Database, clock: FakeClock
) -> None:
    _, cursor = ids(audit, None, 3)
    with database.transaction() as tx:
        tx.audit.log("job", "created", entity_id="new", actor=ASHA, now=clock.now())

    following, _ = ids(audit, cursor, 3)

    assert following == ["3", "2", "1"]


def test_filters_narrow_together(audit: AuditService, clock: FakeClock) -> None:
    since = clock.now() - timedelta(minutes=4)
    until = clock.now() - timedelta(minutes=1)

    page = audit.page(user_id="asha", action="created", since=since, until=until)

    assert [entry.entity_id for entry in page.entries] == ["5", "3"]
    assert audit.page(entity_type="job", entity_id="2").entries[0].user_id == "ravi"
    assert audit.page(action="cancelled").entries == ()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "abc!",
        "YXVkaXQ6LTE",
        "YXVkaXQ6MA",
        "YXVkaXQ6OTk5OTk5OTk5OTk5OTk5OTk5OTk6MQ",
        "é",
        "audit:3",
    ],
)
def test_a_foreign_cursor_is_refused(audit: AuditService, cursor: str) -> None:
    with pytest.raises(CursorInvalidError):
        audit.page(cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_limit_out_of_range_is_refused(audit: AuditService, limit: int) -> None:
    with pytest.raises(RequestInvalidError, match="from 1 to 500"):
        audit.page(limit=limit)
