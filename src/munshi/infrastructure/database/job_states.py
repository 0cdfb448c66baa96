"""States as SQL: written out, because a partial index is only used when it can be read off."""

from collections.abc import Iterable

from sqlalchemy import Column, ColumnElement, literal_column

from munshi.domain.jobs import FINAL_STATES, TRANSITIONS, JobState
from munshi.infrastructure.database.types import Name

LIVE_STATES = frozenset(JobState) - FINAL_STATES


def spelt(state: JobState) -> ColumnElement[str]:
    return literal_column(f"'{state}'", Name(20))


def status_in(status: Column[str], states: Iterable[JobState]) -> ColumnElement[bool]:
    chosen = set(states)
    return status.in_([spelt(state) for state in JobState if state in chosen])


def sources(target: JobState) -> frozenset[JobState]:
    """The states out of which the transition table leads to `target`."""
    return frozenset(state for state, after in TRANSITIONS.items() if target in after)
