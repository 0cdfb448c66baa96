"""Parents and children: stored together, told of each other's ends, cancelled downwards."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, case, func, insert, null, select, update

from munshi.domain.jobs import FINAL_STATES, Job, JobState, NewJob
from munshi.infrastructure.database.job_rows import new_row, to_job
from munshi.infrastructure.database.job_states import LIVE_STATES, spelt, status_in
from munshi.infrastructure.database.models import background_jobs
from munshi.infrastructure.database.types import Instant, Prose

_jobs = background_jobs.c
_child = background_jobs.alias("child")
_now = bindparam("now", type_=Instant)
_this = _jobs.job_id == bindparam("row")
_waiting = _jobs.status == spelt(JobState.WAITING)
_INSERT = insert(background_jobs)
# Taken first, so that of two children that end at once the second sees the first.
_LOCK_WAITING = update(background_jobs).where(_this, _waiting).values(updated_at=_now)
_COUNT = select(func.count(), func.count(case((status_in(_jobs.status, FINAL_STATES), 1)))).where(
    _jobs.parent_id == bindparam("row")
)
_SHOW = (
    update(background_jobs)
    .where(_this, _waiting)
    .values(
        progress_percent=bindparam("new_percent"), message=bindparam("new_message", type_=Prose)
    )
)
_WAKE = (
    update(background_jobs)
    .where(_this, _waiting)
    .values(
        status=spelt(JobState.QUEUED),
        progress_percent=100,
        message=bindparam("new_message", type_=Prose),
        updated_at=_now,
    )
)
_PROGRESS = select(
    func.avg(case((status_in(_jobs.status, FINAL_STATES), 100.0), else_=_jobs.progress_percent))
).where(_jobs.parent_id == bindparam("row"))
_CHILDREN = (
    select(background_jobs)
    .where(_jobs.parent_id == bindparam("row"))
    .order_by(_jobs.created_at, _jobs.job_id)
)
_family = (
    select(_jobs.job_id).where(_jobs.parent_id == bindparam("row")).cte("family", recursive=True)
)
_family = _family.union_all(select(_child.c.job_id).where(_child.c.parent_id == _family.c.job_id))
_HELD_BELOW = select(background_jobs).where(
    _jobs.job_id.in_(select(_family.c.job_id)), _jobs.status == spelt(JobState.HELD)
)
_CANCEL_FAMILY = (
    update(background_jobs)
    .where(_jobs.job_id.in_(select(_family.c.job_id)), status_in(_jobs.status, LIVE_STATES))
    .values(
        cancel_requested=True,
        status=case(
            (_jobs.status == spelt(JobState.RUNNING), spelt(JobState.RUNNING)),
            else_=spelt(JobState.CANCELLED),
        ),
        completed_at=case((_jobs.status == spelt(JobState.RUNNING), null()), else_=_now),
        waits_for_service=None,
        updated_at=_now,
    )
    # SQLite's driver does not count what a statement changes that begins with WITH.
    .returning(_jobs.job_id)
)


def insert_jobs(connection: Connection, children: Sequence[NewJob], *, now: datetime) -> None:
    if children:
        connection.execute(_INSERT, [new_row(child, now=now) for child in children])


def list_children(connection: Connection, parent_id: UUID) -> list[Job]:
    """In the order in which they were made."""
    return [to_job(row) for row in connection.execute(_CHILDREN, {"row": parent_id})]


def list_held_below(connection: Connection, parent_id: UUID) -> list[Job]:
    return [to_job(row) for row in connection.execute(_HELD_BELOW, {"row": parent_id})]


def family_progress(connection: Connection, parent_id: UUID) -> float | None:
    """The mean of the children's percents, an ended one counting 100; None without children."""
    found: float | None = connection.execute(_PROGRESS, {"row": parent_id}).scalar_one()
    return found


def settle_parent(connection: Connection, parent_id: UUID, *, now: datetime) -> None:
    """A child of a waiting parent has ended: show how many have, and wake it after the last."""
    parent = {"row": parent_id}
    if connection.execute(_LOCK_WAITING, {**parent, "now": now}).rowcount != 1:
        return
    total, ended = connection.execute(_COUNT, parent).one()
    message = f"{ended} of {total} parts have ended."
    if total == ended:
        connection.execute(_WAKE, {**parent, "new_message": message, "now": now})
    else:
        percent = 100.0 * ended / total
        connection.execute(_SHOW, {**parent, "new_percent": percent, "new_message": message})


def cancel_descendants(connection: Connection, parent_id: UUID, *, now: datetime) -> int:
    """Cancel every live job below `parent_id`, or tell it to stop where it runs; how many."""
    return len(connection.execute(_CANCEL_FAMILY, {"row": parent_id, "now": now}).all())
