"""Jobs as those who watch them see them: how they get on and what they say."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from munshi.domain.jobs import FINAL_STATES, Job, JobLogLine, JobState
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.pace import DEAD_READ, DeadGroup, PaceStep, group_dead, read_pace
from munshi.jobs.service import known_id

LIVE_STATES = frozenset(JobState) - FINAL_STATES
# A board shows a screenful; who wants more asks for a list.
MOST_RUNNING = 50

Place = tuple[int, int]
"""An attempt and a line of its log, up to which somebody has read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What there is to see at a moment.

    `counts` are of live jobs. `jobs` are those asked for, or else the newest of the running;
    `said` is the last line of the log of each.
    """

    counts: Mapping[JobState, int]
    jobs: tuple[Job, ...]
    said: Mapping[UUID, JobLogLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that a worker holds, and the last line of its log."""

    job: Job
    said: JobLogLine | None


class JobWatch:
    """Each look is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def board(self, job_ids: Collection[UUID] | None = None) -> Board:
        """A job that was deleted meanwhile is left out."""
        with self._database.reading() as tx:
            counts = dict.fromkeys(LIVE_STATES, 0)
            for found in tx.jobs.count_jobs(JobFilter(states=LIVE_STATES)):
                counts[found.state] += found.jobs
            if job_ids is None:
                jobs = tx.attempts.list_running_jobs(limit=MOST_RUNNING)
            else:
                present = look(tx, job_ids)
                jobs = [present[job_id] for job_id in job_ids if job_id in present]
            said = {
                job.job_id: lines[-1]
                for job in jobs
                if (lines := tx.job_logs.list_last_lines(job.job_id, limit=1))
            }
        return Board(counts=counts, jobs=tuple(jobs), said=said)

    def signs(self) -> str:
        """Another text than before when there is something new to show. A small read."""
        with self._database.reading() as tx:
            return tx.changes.get_signs()

    def job_signs(self, job_id: UUID) -> str:
        """The same for one job: how it gets on and how far its log has come."""
        with self._database.reading() as tx:
            job = tx.jobs.get_job(job_id)
            lines = tx.job_logs.list_last_lines(job_id, limit=1)
        at = (lines[0].attempt, lines[0].line) if lines else ()
        return f"{job and job.updated_at}|{job and job.state}|{at}"

    def running(self, *, limit: int) -> tuple[Running, ...]:
        """The newest that workers hold right now."""
        with self._database.reading() as tx:
            return tuple(
                Running(job=job, said=lines[-1] if lines else None)
                for job in tx.attempts.list_running_jobs(limit=limit)
                for lines in [tx.job_logs.list_last_lines(job.job_id, limit=1)]
            )

    def counts(self, *, most: int) -> dict[JobState, int]:
        """Jobs of each state but `succeeded`, counted no further than to `most`."""
        with self._database.reading() as tx:
            return {
                state: tx.jobs.count_some(state, most=most)
                for state in JobState
                if state is not JobState.SUCCEEDED
            }

    def pace(self, *, now: datetime, hours: int) -> list[PaceStep]:
        """How many were made, how many ended badly and how long they took, oldest first."""
        with self._database.reading() as tx:
            return read_pace(tx, now=now, hours=hours)

    def dead_groups(self) -> list[DeadGroup]:
        """The newest DEAD_READ dead jobs by what they died of, the most frequent first."""
        with self._database.reading() as tx:
            return group_dead(tx.job_pace.list_dead(most=DEAD_READ))

    def news(
        self, places: Collection[tuple[UUID, Place]], *, limit: int
    ) -> tuple[dict[UUID, Job], dict[tuple[UUID, Place], list[JobLogLine]]]:
        """The jobs as they stand, and up to `limit` lines of each beyond each place in its log."""
        with self._database.reading() as tx:
            jobs = look(tx, {job_id for job_id, _ in places})
            lines = {
                (job_id, place): tx.job_logs.list_lines(job_id, after=place, limit=limit)
                for job_id, place in places
            }
        return jobs, lines

    def last_lines(self, job_id: UUID | str, *, limit: int) -> list[JobLogLine]:
        """The newest `limit` lines, oldest of them first. Raises JobUnknownError for no id."""
        with self._database.reading() as tx:
            return tx.job_logs.list_last_lines(known_id(job_id), limit=limit)


def look(tx: Transaction, job_ids: Collection[UUID]) -> dict[UUID, Job]:
    """Those that there are; a waiting one shows how far its parts are."""
    return {job.job_id: _with_parts(tx, job) for job in tx.jobs.list_by_id(job_ids)}


def _with_parts(tx: Transaction, job: Job) -> Job:
    if job.state is not JobState.WAITING:
        return job
    percent = tx.jobs.family_progress(job.job_id)
    return job if percent is None else replace(job, progress_percent=percent)
