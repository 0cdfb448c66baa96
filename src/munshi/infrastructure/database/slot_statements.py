"""SQL of JobSlots, built once: the limited places of queues, and who asks for one."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Select,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
)

from munshi.domain.jobs import JobState
from munshi.infrastructure.database.job_states import spelt
from munshi.infrastructure.database.models import background_jobs, job_pauses, job_slots

_slots, _jobs, _pauses = job_slots.c, background_jobs.c, job_pauses.c

TAKEN = select(_slots.concurrency_key, _slots.slot).where(_slots.queue == bindparam("name"))
TAKE = insert(job_slots)
# Until the commit. Two claims that want the places of several keys would take some of them
# crosswise, and wait for each other. SQLite has one writer anyway.
TAKE_TURNS: Mapping[str, TextClause] = {
    "postgresql": text("SELECT pg_advisory_xact_lock(7746713, hashtext(:name))"),
}
FREE_SLOTS = delete(job_slots).where(_slots.job_id == bindparam("row"))
COUNT_PLACES = (
    select(_slots.queue, func.count().label("places"))
    .where(_slots.concurrency_key == "")
    .group_by(_slots.queue)
)
BACKLOG = (
    select(_jobs.queue, func.count().label("jobs"), func.min(_jobs.turn_at).label("oldest_at"))
    .where(_jobs.status == spelt(JobState.QUEUED))
    .group_by(_jobs.queue)
)
PAUSED_TYPES = select(_pauses.name).where(_pauses.kind == "job_type")
PAUSED_QUEUE = select(_pauses.name).where(
    _pauses.kind == "queue", _pauses.name == bindparam("name")
)


@lru_cache
def candidates(*, leaving_out_keys: bool) -> Select[Any]:
    """Queued jobs of a queue in their order, without those whose key has no place left."""
    statement = select(background_jobs).where(
        _jobs.status == spelt(JobState.QUEUED),
        _jobs.queue == bindparam("name"),
        _jobs.job_type.in_(bindparam("types", expanding=True)),
        _jobs.job_type.not_in(PAUSED_TYPES),
    )
    if leaving_out_keys:
        statement = statement.where(
            or_(
                _jobs.concurrency_key.is_(None),
                _jobs.concurrency_key.not_in(bindparam("full", expanding=True)),
            )
        )
    return (
        statement.order_by(_jobs.turn_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=background_jobs)
    )
