"""How jobs get on over the last hours, and what the dead ones died of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from munshi.infrastructure.database.job_pace_repository import DeadJob, JobTimes
from munshi.infrastructure.database.transaction import Transaction

STEPS = 24
COUNTED_TO = 5000
SAMPLED = 150
DEAD_READ = 500
# What differs from job to job: ids, hashes, times and numbers.
_VARYING = re.compile(r"\b[0-9a-fA-F]{8}[0-9a-fA-F-]{4,}\b|\d+(?:[.:,-]\d+)*")
_LONGEST_ERROR = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds: half of the jobs took less than `middle`, nineteen of twenty less than `slow`."""

    middle: float
    slow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceStep:
    """The jobs made from `begins` on, up to the next step.

    Counts reach COUNTED_TO; `waits` and `runs` are of the newest SAMPLED that began and ended,
    None without any. `waits` counts from when a job might first run.
    """

    begins: datetime
    made: int
    bad: int
    waits: Spread | None
    runs: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadGroup:
    """Dead jobs whose errors differ in numbers and names alone; `newest` is one of them."""

    error: str
    jobs: int
    job_types: tuple[str, ...]
    newest: UUID
    newest_at: datetime


def read_pace(tx: Transaction, *, now: datetime, hours: int) -> list[PaceStep]:
    """The last `hours` in STEPS steps, oldest first. Some small reads of indexes."""
    length = timedelta(hours=hours) / STEPS
    end = now + timedelta(microseconds=1)  # a job of this very instant counts
    steps = []
    for number in range(STEPS, 0, -1):
        begins = end - number * length
        made = tx.job_pace.count_made(begins, begins + length, most=COUNTED_TO)
        times: Sequence[JobTimes] = ()
        bad = 0
        if made:
            bad = tx.job_pace.count_bad(begins, begins + length, most=COUNTED_TO)
            times = tx.job_pace.list_times(begins, begins + length, most=SAMPLED)
        steps.append(
            PaceStep(
                begins=begins,
                made=made,
                bad=bad,
                waits=spread_of(map(_waited, times)),
                runs=spread_of(map(_ran, times)),
            )
        )
    return steps


def group_dead(dead: Sequence[DeadJob]) -> list[DeadGroup]:
    """Those of most jobs first; `dead` is newest first."""
    groups: dict[str, list[DeadJob]] = {}
    for job in dead:
        groups.setdefault(_VARYING.sub("#", job.error or ""), []).append(job)
    found = [
        DeadGroup(
            error=(jobs[0].error or "It left no word.").splitlines()[0][:_LONGEST_ERROR],
            jobs=len(jobs),
            job_types=tuple(sorted({job.job_type for job in jobs})),
            newest=jobs[0].job_id,
            newest_at=jobs[0].created_at,
        )
        for jobs in groups.values()
    ]
    return sorted(found, key=lambda group: group.jobs, reverse=True)


def spread_of(seconds: Iterable[float | None]) -> Spread | None:
    """Of those that are known, by the nearest rank."""
    known = sorted(each for each in seconds if each is not None)
    if not known:
        return None
    return Spread(middle=_rank(known, 50), slow=_rank(known, 95))


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _waited(job: JobTimes) -> float | None:
    return None if job.started_at is None else max(0.0, _seconds(job.run_at, job.started_at))


def _ran(job: JobTimes) -> float | None:
    if job.started_at is None or job.completed_at is None:
        return None
    return _seconds(job.started_at, job.completed_at)


def _seconds(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds()
