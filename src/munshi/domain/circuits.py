"""When a broker that fails is left alone, and what is tried again, by what its answer asks for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Failures in a row, of all processes together, after which a broker is left alone.
FAILURES_TO_OPEN = 5
FIRST_REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=5)
# How long the one call that tries a resting broker may take before another may.
TRIAL = timedelta(seconds=30)


class CircuitState(StrEnum):
    """closed: calls pass. open: none do. trying: one does, to see whether the broker is back."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """One row of BrokerCircuits; `open_until` is None while it is closed."""

    failures: int = 0
    openings: int = 0
    opened_at: datetime | None = None
    open_until: datetime | None = None
    last_failure: str | None = None
    last_failed_at: datetime | None = None

    def state(self, *, now: datetime) -> CircuitState:
        if self.open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self.open_until else CircuitState.TRYING


def rest(openings: int) -> timedelta:
    """How long to leave a broker alone that was opened so often in a row: doubled each time."""
    doubled: int = 2 ** min(max(openings, 1) - 1, 10)
    return min(FIRST_REST * doubled, LONGEST_REST)
