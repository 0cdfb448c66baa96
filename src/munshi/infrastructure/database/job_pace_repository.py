"""SQL that tells how jobs get on over time, from ends and stretches of indexes, never from all."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, or_, select

from munshi.domain.jobs import JobState
from munshi.infrastructure.database.job_states import spelt
from munshi.infrastructure.database.models import background_jobs
from munshi.infrastructure.database.types import Instant, Whole

_jobs = background_jobs.c
_since = _jobs.created_at >= bindparam("since", type_=Instant)
_before = _jobs.created_at < bindparam("before", type_=Instant)
_most = bindparam("most", type_=Whole)


_MADE = select(func.count()).select_from(
    select(_jobs.job_id).where(_since, _before).limit(_most).subquery()
)
# Each state alone is a stretch of the index of rare states.
_BAD = [
    select(func.count()).select_from(
        select(_jobs.job_id)
        .where(_since, _before, _jobs.status == spelt(state))
        .limit(_most)
        .subquery()
    )
    for state in (JobState.DEAD, JobState.FAILED)
]
_SAMPLE = (
    select(_jobs.created_at, _jobs.run_at, _jobs.started_at, _jobs.completed_at)
    .where(_since, _before, or_(_jobs.started_at.is_not(None), _jobs.completed_at.is_not(None)))
    .order_by(_jobs.created_at.desc())
    .limit(_most)
)
_DEAD = (
    select(_jobs.job_id, _jobs.job_type, _jobs.error_details, _jobs.created_at)
    .where(_jobs.status == spelt(JobState.DEAD))
    .order_by(_jobs.created_at.desc())
    .limit(_most)
)


class JobTimes(NamedTuple):
    """When one job was made, might run, first ran, and ended."""

    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class DeadJob(NamedTuple):
    job_id: UUID
    job_type: str
    error: str | None
    created_at: datetime


class JobPaceRepository:
    """Reads only; every count and list has an end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count_made(self, since: datetime, before: datetime, *, most: int) -> int:
        """Jobs made in the stretch; `most` where there are more."""
        chosen = {"since": since, "before": before, "most": most}
        return int(self._connection.execute(_MADE, chosen).scalar_one())

    def count_bad(self, since: datetime, before: datetime, *, most: int) -> int:
        """Of those made in the stretch, how many are dead or failed now."""
        chosen = {"since": since, "before": before, "most": most}
        return sum(int(self._connection.execute(sql, chosen).scalar_one()) for sql in _BAD)

    def list_times(self, since: datetime, before: datetime, *, most: int) -> Sequence[JobTimes]:
        """The newest `most` of the stretch that began or ended."""
        chosen = {"since": since, "before": before, "most": most}
        return [JobTimes(*row) for row in self._connection.execute(_SAMPLE, chosen)]

    def list_dead(self, *, most: int) -> Sequence[DeadJob]:
        """Newest first."""
        return [DeadJob(*row) for row in self._connection.execute(_DEAD, {"most": most})]
