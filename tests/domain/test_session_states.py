"""The states of a broker's login: the table, and what the rows say of where it stands."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from munshi.domain.sessions import (
    TRANSITIONS,
    LoginSeen,
    SessionEvent,
    SessionState,
    session_state,
)

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


def seen(
    *,
    left: timedelta,
    is_active: bool = True,
    ended: timedelta | None = None,
    rejected: bool = False,
) -> LoginSeen:
    """A login that ends `left` from now, and was ended `ended` ago."""
    return LoginSeen(
        session_id=uuid4(),
        expires_at=NOON + left,
        is_active=is_active,
        changed_at=NOON - (ended or timedelta(hours=1)),
        is_rejected=rejected,
    )


def test_a_login_leads_out_of_every_state() -> None:
    assert set(TRANSITIONS) == set(SessionState)
    assert all(after[SessionEvent.LOGIN].is_good for after in TRANSITIONS.values())


def test_only_a_login_in_force_can_be_rejected_and_only_a_rejected_one_tried_out() -> None:
    def states(event: SessionEvent) -> set[SessionState]:
        return {state for state, after in TRANSITIONS.items() if event in after}

    assert states(SessionEvent.REJECTION) == {state for state in SessionState if state.is_good}
    assert states(SessionEvent.PROBE) == {SessionState.REJECTED}


HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
BY_A_PERSON: dict[str, Any] = {"left": -HALF_AN_HOUR, "is_active": False, "ended": HOUR}


@pytest.mark.parametrize(
    ("login", "state"),
    [
        (None, SessionState.ABSENT),
        (seen(left=HOUR), SessionState.ACTIVE),
        (seen(left=HALF_AN_HOUR + MOMENT), SessionState.ACTIVE),
        (seen(left=HALF_AN_HOUR), SessionState.EXPIRING),
        (seen(left=MOMENT), SessionState.EXPIRING),
        (seen(left=timedelta(0)), SessionState.EXPIRED),
        (seen(left=HOUR, is_active=False), SessionState.ABSENT),
        (seen(left=HOUR, is_active=False, rejected=True), SessionState.REJECTED),
        (seen(left=-HOUR, is_active=False, ended=HALF_AN_HOUR), SessionState.EXPIRED),
        (seen(**BY_A_PERSON), SessionState.ABSENT),
        (seen(**BY_A_PERSON, rejected=True), SessionState.EXPIRED),
    ],
    ids=[
        "nobody",
        "long",
        "just-before-the-warning",
        "at-the-warning",
        "the-last-moment",
        "at-its-end",
        "ended-by-a-person",
        "rejected",
        "cleaned-up-after-its-end",
        "ended-by-a-person-and-past-its-end",
        "rejected-and-past-its-end",
    ],
)
def test_the_rows_say_where_a_login_stands(login: LoginSeen | None, state: SessionState) -> None:
    assert session_state(login, now=NOON, warning=HALF_AN_HOUR) is state


def test_without_a_warning_a_login_is_active_until_its_end() -> None:
    assert session_state(seen(left=MOMENT), now=NOON) is SessionState.ACTIVE
