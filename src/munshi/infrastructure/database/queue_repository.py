"""SQL for JobPauses, JobSlots and JobWorkers: what queues allow, and who works on them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, NoResultFound

from munshi.domain.jobs import (
    Job,
    JobPause,
    JobWorker,
    PauseKind,
    QueueLimits,
    WorkerStatus,
)
from munshi.infrastructure.database import attempt_statements, slot_statements
from munshi.infrastructure.database.job_rows import to_job
from munshi.infrastructure.database.models import job_pauses, job_workers
from munshi.infrastructure.database.types import Instant

_pauses, _workers = job_pauses.c, job_workers.c
_THIS_PAUSE = (_pauses.kind == bindparam("what"), _pauses.name == bindparam("called"))
_PAUSES = select(job_pauses).order_by(_pauses.kind, _pauses.name)
_PAUSE = insert(job_pauses)
_RESUME = delete(job_pauses).where(*_THIS_PAUSE)
_WORKERS = select(job_workers).order_by(_workers.started_at, _workers.worker_id)
_ENTER = insert(job_workers)
_BEAT = (
    update(job_workers)
    .where(_workers.worker_id == bindparam("who"))
    .values(
        status=bindparam("new_status"),
        running=bindparam("new_running"),
        abandoned=bindparam("new_abandoned"),
        heartbeat_at=bindparam("now", type_=Instant),
    )
)
_LEAVE = delete(job_workers).where(_workers.worker_id == bindparam("who"))
_FORGET = delete(job_workers).where(_workers.heartbeat_at < bindparam("before", type_=Instant))
# How many more candidates than places: some may have a key whose places others take meanwhile.
_SPARE = 50
_WHOLE_QUEUE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many jobs are queued, and the turn of the first of them."""

    queued: int
    oldest_at: datetime


class QueueRepository:
    """Places are unique rows: who cannot insert one does not run, so no limit is overshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- pauses ------------------------------------------------------------------------------

    def list_pauses(self) -> list[JobPause]:
        return [
            JobPause(
                kind=PauseKind(row.kind),
                name=row.name,
                reason=row.reason,
                paused_by=row.paused_by,
                paused_at=row.paused_at,
            )
            for row in self._connection.execute(_PAUSES)
        ]

    def save_pause(self, pause: JobPause) -> bool:
        """False where it was paused already."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    _PAUSE,
                    {
                        "kind": pause.kind,
                        "name": pause.name,
                        "reason": pause.reason,
                        "paused_by": pause.paused_by,
                        "paused_at": pause.paused_at,
                    },
                )
        except IntegrityError:
            return False
        return True

    def remove_pause(self, kind: PauseKind, name: str) -> bool:
        """False where nothing was paused."""
        found = self._connection.execute(_RESUME, {"what": kind, "called": name})
        return found.rowcount == 1

    # --- places ------------------------------------------------------------------------------

    def claim_limited(
        self,
        queue: str,
        limits: QueueLimits,
        *,
        job_types: Collection[str],
        worker_id: str,
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> list[Job]:
        """Take up to `limit` jobs of a queue with limits, each with the places it needs."""
        if self._connection.execute(slot_statements.PAUSED_QUEUE, {"name": queue}).first():
            return []
        take_turns = slot_statements.TAKE_TURNS.get(self._connection.dialect.name)
        if take_turns is not None:
            self._connection.execute(take_turns, {"name": queue})
        taken = self._taken(queue)
        free = _free(taken[_WHOLE_QUEUE], limits.limit)
        room = limit if free is None else min(limit, len(free))
        if room <= 0:
            return []
        values = {"who": worker_id, "new_lease_until": now + lease, "now": now}
        jobs: list[Job] = []
        for candidate in self._candidates(queue, limits, job_types, taken, most=room + _SPARE):
            if len(jobs) == room:
                break
            if started := self._start(candidate, limits, taken, values):
                jobs.append(started)
        return jobs

    def _taken(self, queue: str) -> defaultdict[str, set[int]]:
        taken: defaultdict[str, set[int]] = defaultdict(set)
        for row in self._connection.execute(slot_statements.TAKEN, {"name": queue}):
            taken[row.concurrency_key].add(row.slot)
        return taken

    def _candidates(
        self,
        queue: str,
        limits: QueueLimits,
        job_types: Collection[str],
        taken: defaultdict[str, set[int]],
        *,
        most: int,
    ) -> list[Job]:
        full = [
            key
            for key, slots in taken.items()
            if key != _WHOLE_QUEUE and limits.per_key and not _free(slots, limits.per_key)
        ]
        statement = slot_statements.candidates(leaving_out_keys=bool(full))
        values = {"name": queue, "types": sorted(job_types), "most": most}
        if full:
            values["full"] = full
        return [to_job(row) for row in self._connection.execute(statement, values)]

    def _start(
        self,
        job: Job,
        limits: QueueLimits,
        taken: defaultdict[str, set[int]],
        values: Mapping[str, object],
    ) -> Job | None:
        wanted: list[tuple[str, int]] = []
        for key, most in ((_WHOLE_QUEUE, limits.limit), (job.concurrency_key, limits.per_key)):
            if most is None or key is None:
                continue
            free = _free(taken[key], most)
            if not free:
                return None
            wanted.append((key, free[0]))
        try:
            with self._connection.begin_nested():
                for key, slot in wanted:
                    self._connection.execute(slot_statements.TAKE, _slot(job, key, slot))
                row = self._connection.execute(
                    attempt_statements.START, {"row": job.job_id, **values}
                ).one()
        except (IntegrityError, NoResultFound):
            # Another worker took the place, or the job, at this moment; a later claim looks again.
            return None
        for key, slot in wanted:
            taken[key].add(slot)
        return to_job(row)

    def count_places(self) -> dict[str, int]:
        """How many of each queue's own places are taken."""
        rows = self._connection.execute(slot_statements.COUNT_PLACES)
        return {row.queue: row.places for row in rows}

    def backlog(self) -> dict[str, Backlog]:
        """What waits in each queue that has anything waiting."""
        return {
            row.queue: Backlog(queued=row.jobs, oldest_at=row.oldest_at)
            for row in self._connection.execute(slot_statements.BACKLOG)
        }

    # --- workers -----------------------------------------------------------------------------

    def list_workers(self) -> list[JobWorker]:
        """Oldest first; one that was killed stays until it is forgotten."""
        return [
            JobWorker(
                worker_id=row.worker_id,
                host=row.host,
                process_id=row.process_id,
                status=WorkerStatus(row.status),
                threads=row.threads,
                running=row.running,
                abandoned=row.abandoned,
                started_at=row.started_at,
                heartbeat_at=row.heartbeat_at,
            )
            for row in self._connection.execute(_WORKERS)
        ]

    def save_worker(self, worker: JobWorker) -> None:
        """Enter it, or show that it lives and what it does."""
        beat = self._connection.execute(
            _BEAT,
            {
                "who": worker.worker_id,
                "new_status": worker.status,
                "new_running": worker.running,
                "new_abandoned": worker.abandoned,
                "now": worker.heartbeat_at,
            },
        )
        if beat.rowcount == 0:
            self._connection.execute(
                _ENTER,
                {
                    "worker_id": worker.worker_id,
                    "host": worker.host,
                    "process_id": worker.process_id,
                    "status": worker.status,
                    "threads": worker.threads,
                    "running": worker.running,
                    "abandoned": worker.abandoned,
                    "started_at": worker.started_at,
                    "heartbeat_at": worker.heartbeat_at,
                },
            )

    def remove_worker(self, worker_id: str) -> None:
        self._connection.execute(_LEAVE, {"who": worker_id})

    def forget_silent_workers(self, *, before: datetime) -> int:
        """Delete those not heard of since `before`; how many."""
        return self._connection.execute(_FORGET, {"before": before}).rowcount


def _free(taken: Iterable[int], most: int | None) -> list[int] | None:
    """The numbers of the free places; None where there is no limit.

    After the limit was lowered, places beyond it may be held still: those count, too.
    """
    if most is None:
        return None
    held = set(taken)
    return [slot for slot in range(1, most + 1) if slot not in held][: max(0, most - len(held))]


def _slot(job: Job, key: str, slot: int) -> dict[str, str | int | UUID]:
    return {
        "queue": job.queue,
        "concurrency_key": key,
        "slot": slot,
        "job_id": job.job_id,
        "attempt": job.attempt + 1,
    }
