"""Claims and successful ends in the drivers' own SQL: what every job passes through.

One statement claims, whatever the number of lanes: per lane the first rows of its own stretch of
the claim's index, of all these the first. SQL Server takes the way through Core.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from munshi.domain.jobs import Job


class Lane(NamedTuple):
    """Jobs of one type in one queue, which have an order of their own."""

    queue: str
    job_type: str


class Success(NamedTuple):
    """An attempt that went well and leaves nothing but its result, which is JSON as text."""

    job_id: UUID
    attempt: int
    message: str | None
    result: str


class ClaimDialect(Protocol):
    """One driver's spelling. `cursor` is the driver's, in a transaction that the caller owns."""

    def claim(
        self,
        cursor: Any,  # noqa: ANN401 - a driver's cursor
        lanes: Sequence[Lane],
        *,
        worker_id: str,
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> list[Job]:
        """The first `limit` jobs of `lanes`, each under a new attempt and a lease."""
        ...

    def succeed(self, cursor: Any, done: Sequence[Success], *, now: datetime) -> set[UUID]:  # noqa: ANN401
        """End these attempts; the ids of those that were still the running ones."""
        ...

    def has_due(self, cursor: Any, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:  # noqa: ANN401
        """Whether a scheduled job's time has come, and whether a claim would find something."""
        ...


# What a claim gives back, in this order.
CLAIMED = (
    "job_id, job_type, parameters, priority, attempt, max_attempts, run_at, created_by, "
    "idempotency_key, cancel_requested, created_at, started_at, parent_id, queue, "
    "concurrency_key, idempotency_until, schedule_name, errors, crashes, turn_at, "
    "error_details"
)


TURN_AT = 19


def by_turn(row: tuple[Any, ...]) -> tuple[Any, Any]:
    """The order of claimed rows, which neither database keeps."""
    return row[TURN_AT], row[0]
