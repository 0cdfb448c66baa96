"""What the database says of all jobs at one moment, and what must hold whenever one looks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from munshi.domain.jobs import TRANSITIONS, Job, JobAttempt, JobState, QueueLimits
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.infrastructure.database.job_rows import to_attempt
from munshi.infrastructure.database.models import job_attempts
from munshi.infrastructure.database.transaction import Transaction

_ATTEMPTS = select(job_attempts).order_by(job_attempts.c.job_id, job_attempts.c.attempt)
_AUDITED = text("SELECT entity_id, action FROM \"AuditLogs\" WHERE entity_type = 'job'")
_SLOTS = text('SELECT queue, concurrency_key, slot, attempt, job_id FROM "JobSlots"')
_ENDED = {JobState.FAILED, JobState.DEAD, JobState.HELD}


@dataclass(frozen=True, slots=True)
class Slot:
    queue: str
    key: str
    number: int
    attempt: int
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that is stored of jobs."""

    now: datetime
    jobs: Mapping[UUID, Job]
    attempts: Mapping[UUID, list[JobAttempt]]
    slots: tuple[Slot, ...]
    audited: Mapping[UUID, Counter[str]]
    alerts: frozenset[str | None]

    def in_state(self, *states: JobState) -> list[Job]:
        return [job for job in self.jobs.values() if job.state in states]

    def children(self, job_id: UUID) -> list[Job]:
        return [job for job in self.jobs.values() if job.parent_id == job_id]

    def below(self, job_id: UUID) -> Iterator[Job]:
        for child in self.children(job_id):
            yield child
            yield from self.below(child.job_id)


def read_ledger(database: Database, *, now: datetime) -> Ledger:
    with database.reading() as tx:
        jobs = {job.job_id: job for job in tx.jobs.list_jobs(JobFilter(), limit=10_000)}
        return Ledger(
            now=now,
            jobs=jobs,
            attempts=_attempts(tx, jobs),
            slots=tuple(
                Slot(row[0], row[1], row[2], row[3], UUID(str(row[4])))
                for row in tx.connection.execute(_SLOTS)
            ),
            audited=_audited(tx),
            alerts=frozenset(alert.subject for alert in tx.alerts.list_open_alerts()),
        )


def _attempts(tx: Transaction, jobs: Mapping[UUID, Job]) -> dict[UUID, list[JobAttempt]]:
    """The ended ones at once; one that runs as the repository tells it."""
    found: dict[UUID, list[JobAttempt]] = {job_id: [] for job_id in jobs}
    for row in tx.connection.execute(_ATTEMPTS):
        assert row.job_id in jobs, "attempts go with their job"
        found[row.job_id].append(to_attempt(row))
    for job in jobs.values():
        if job.state is JobState.RUNNING:
            found[job.job_id] = tx.attempts.list_attempts(job.job_id)
    return found


def _audited(tx: Transaction) -> defaultdict[UUID, Counter[str]]:
    found: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for row in tx.connection.execute(_AUDITED):
        found[UUID(row.entity_id)][row.action] += 1
    return found


def check(ledger: Ledger, limits: Mapping[str, QueueLimits]) -> None:
    """Assert what holds at any moment."""
    for job in ledger.jobs.values():
        _check_job(job, ledger)
    _check_slots(ledger, limits)
    held = {str(job.job_id) for job in ledger.in_state(JobState.HELD)}
    assert ledger.alerts == held, "an alert for each held job, and for no other"
    live = Counter(
        job.idempotency_key
        for job in ledger.jobs.values()
        if job.idempotency_key and not job.state.is_final
    )
    assert max(live.values(), default=0) <= 1, "one live job for a key"
    kept = Counter(
        job.idempotency_key
        for job in ledger.jobs.values()
        if job.idempotency_key and job.idempotency_until and job.idempotency_until > ledger.now
    )
    assert max(kept.values(), default=0) <= 1, "one job for a key in its period"


def _check_job(job: Job, ledger: Ledger) -> None:
    attempts = ledger.attempts[job.job_id]
    runs = job.state is JobState.RUNNING
    assert [each.attempt for each in attempts] == list(range(1, job.attempt + 1))
    assert [each for each in attempts if each.finished_at is None] == attempts[-1:] * runs
    assert all(each.outcome is not None for each in attempts[: len(attempts) - runs])
    assert (job.completed_at is not None) == job.state.is_final
    assert 0 <= job.progress_percent <= 100
    if job.state is JobState.WAITING:
        children = ledger.children(job.job_id)
        assert any(not child.state.is_final for child in children), "it waits for nobody"
    if job.state in _ENDED:
        assert ledger.audited[job.job_id][job.state] >= 1, "a bad end is on record"
    if job.cancel_requested:
        assert job.state is JobState.RUNNING or job.state.is_final


def _check_slots(ledger: Ledger, limits: Mapping[str, QueueLimits]) -> None:
    running = {job.job_id: job for job in ledger.in_state(JobState.RUNNING)}
    limited = [job for job in running.values() if job.queue in limits]
    wanted: Counter[tuple[UUID, str]] = Counter()
    for job in limited:
        if limits[job.queue].limit:
            wanted[job.job_id, ""] += 1
        if limits[job.queue].per_key and job.concurrency_key:
            wanted[job.job_id, job.concurrency_key] += 1
    assert Counter((slot.job_id, slot.key) for slot in ledger.slots) == wanted, "places = runners"
    assert all(slot.attempt == running[slot.job_id].attempt for slot in ledger.slots)


def check_step(before: Ledger, after: Ledger) -> None:
    """Assert that what happened between two looks is what the transition table allows."""
    for job_id, job in after.jobs.items():
        old = before.jobs.get(job_id)
        if old is None:
            assert job.state in {JobState.SCHEDULED, JobState.QUEUED}
            continue
        assert job.state is old.state or job.state in TRANSITIONS[old.state], (old, job)
        grown = job.attempt - old.attempt
        assert grown == (old.state is not JobState.RUNNING and job.state is JobState.RUNNING)
        assert (
            before.attempts[job_id][: old.attempt - 1] == after.attempts[job_id][: old.attempt - 1]
        )
        if (old.state, job.state) == (JobState.WAITING, JobState.QUEUED):
            assert all(child.state.is_final for child in after.children(job_id)), "woken too soon"
        if old.state is JobState.SUCCEEDED:
            assert job.result_data == old.result_data
    for job_id in before.jobs.keys() - after.jobs.keys():
        assert before.jobs[job_id].state.is_final, "only what is over may go"
        assert not after.children(job_id)
