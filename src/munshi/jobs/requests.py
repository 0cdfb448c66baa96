"""What people, schedules and parents ask for, checked before it is stored."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job, NewJob, new_job_id
from munshi.errors import JobTypeUnknownError, RequestInvalidError
from munshi.jobs.fan_out import NewChild

_PRIORITIES = range(-100, 101)
_KEY_LENGTH = 200


def find_spec(registry: Mapping[str, JobSpec], job_type: str) -> JobSpec:
    """Raises JobTypeUnknownError, which names what was probably meant."""
    if spec := registry.get(job_type):
        return spec
    near = difflib.get_close_matches(job_type, registry, n=3, cutoff=0.3)
    raise JobTypeUnknownError(
        f"There is no job type {job_type!r}.",
        hint=f"Did you mean {' or '.join(near)}?"
        if near
        else f"The job types are {', '.join(sorted(registry))}.",
    )


def check_priority(priority: int) -> None:
    """Raises RequestInvalidError for one that is out of bounds."""
    if priority not in _PRIORITIES:
        raise RequestInvalidError(f"priority must be from -100 to 100, not {priority}.")


def check_key(name: str, key: str | None) -> None:
    """Raises RequestInvalidError for a key, called `name`, that no column takes."""
    if key is not None and not 1 <= len(key) <= _KEY_LENGTH:
        raise RequestInvalidError(f"{name} must have 1 to {_KEY_LENGTH} characters.")


def new_children(
    parent: Job,
    children: Sequence[NewChild],
    *,
    registry: Mapping[str, JobSpec],
    check_queue: Callable[[str], None],
    now: datetime,
) -> list[NewJob]:
    """The parts of `parent` as jobs.

    Raises JobTypeUnknownError, JobParametersInvalidError, RequestInvalidError, and what
    `check_queue` raises for a queue that is not there.
    """
    if not children:
        raise RequestInvalidError("It asked for no parts at all, and would do so again and again.")
    made: list[NewJob] = []
    known: set[str] = set()
    for child in children:
        if not isinstance(child, NewChild):
            raise RequestInvalidError(f"{type(child).__name__} is not a part of a job.")
        check_priority(child.priority)
        check_key("concurrency_key", child.concurrency_key)
        spec = find_spec(registry, child.job_type)
        queue = child.queue or spec.queue
        if queue not in known:
            check_queue(queue)
            known.add(queue)
        made.append(
            NewJob(
                job_id=new_job_id(now),
                job_type=child.job_type,
                parameters=spec.params.from_json(child.parameters).to_json(),
                priority=child.priority,
                max_attempts=spec.max_attempts if spec.idempotent else 1,
                run_at=now,
                created_by=parent.created_by,
                parent_id=parent.job_id,
                queue=queue,
                concurrency_key=child.concurrency_key,
            )
        )
    return made
