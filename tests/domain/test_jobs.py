"""The state table: what may follow what, and when an attempt has lapsed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from munshi.domain.jobs import (
    FINAL_STATES,
    TRANSITIONS,
    JobAttempt,
    JobState,
    check_transition,
)
from munshi.errors import JobStateConflictError

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def attempt(*, lease_until: datetime, finished_at: datetime | None = None) -> JobAttempt:
    return JobAttempt(
        job_id=uuid4(),
        attempt=1,
        worker_id="here:1",
        lease_until=lease_until,
        heartbeat_at=NOW,
        started_at=NOW,
        finished_at=finished_at,
        outcome=None,
        error=None,
    )


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(JobState)


def test_out_of_a_final_state_leads_only_a_retry_and_out_of_success_nothing() -> None:
    assert {state for state in JobState if not TRANSITIONS[state]} == {JobState.SUCCEEDED}
    for state in FINAL_STATES - {JobState.SUCCEEDED}:
        assert TRANSITIONS[state] == {JobState.QUEUED}
    assert all(state.is_final == (state in FINAL_STATES) for state in JobState)


def test_only_a_queued_job_can_be_taken() -> None:
    taken = {state for state in JobState if JobState.RUNNING in TRANSITIONS[state]}

    assert taken == {JobState.QUEUED}


def test_every_job_can_be_cancelled_and_held_until_it_is_over() -> None:
    unfinished = set(JobState) - FINAL_STATES

    assert all(JobState.CANCELLED in TRANSITIONS[state] for state in unfinished)
    assert all(JobState.HELD in TRANSITIONS[state] for state in unfinished - {JobState.HELD})


def test_every_final_state_can_be_reached_from_a_new_job() -> None:
    reached, frontier = set[JobState](), {JobState.QUEUED}
    while frontier:
        reached |= frontier
        frontier = {after for state in frontier for after in TRANSITIONS[state]} - reached

    assert reached == set(JobState)


def test_a_login_completes_a_paused_job_without_another_run() -> None:
    check_transition(JobState.PAUSED, JobState.SUCCEEDED)


def test_a_refused_move_names_both_states() -> None:
    with pytest.raises(JobStateConflictError, match="A succeeded job cannot become queued"):
        check_transition(JobState.SUCCEEDED, JobState.QUEUED)


def test_an_attempt_lapses_when_its_lease_ends_unless_it_has_finished() -> None:
    assert attempt(lease_until=NOW).is_lapsed(now=NOW)
    assert not attempt(lease_until=NOW + timedelta(seconds=1)).is_lapsed(now=NOW)
    assert not attempt(lease_until=NOW, finished_at=NOW).is_lapsed(now=NOW)
