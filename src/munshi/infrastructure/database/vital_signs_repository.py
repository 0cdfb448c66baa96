"""SQL that looks at other tables to say how the desk does. It writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    func,
    literal_column,
    select,
    text,
    union_all,
)

from munshi.domain.enums import Service
from munshi.infrastructure.database.models import (
    auth_sessions,
    background_jobs,
    job_attempts,
    job_pauses,
    job_workers,
    schedule_cursors,
)
from munshi.settings import BrokerMode

# Of what has ended, no more rows than these are looked at, the newest ones.
MOST_JOBS = 5_000

_jobs = background_jobs.c
_attempts = job_attempts.c
_workers = job_workers.c
_cursors = schedule_cursors.c
_logins = auth_sessions.c
_WORKERS = (
    select(job_workers)
    .where(_workers.heartbeat_at >= bindparam("since"))
    .order_by(_workers.started_at, _workers.worker_id)
)
_HAS_SCHEDULES = select(_cursors.job_name).limit(1)
_OVERDUE = (
    select(_cursors.job_name, _cursors.next_due)
    .where(_cursors.next_due <= bindparam("now"))
    .order_by(_cursors.next_due)
    .limit(1)
)
# The literal lets the planner use the partial indexes of queued and of scheduled jobs.
_QUEUED: ColumnElement[str] = literal_column("'queued'")
_SCHEDULED: ColumnElement[str] = literal_column("'scheduled'")
_DUE = union_all(
    select(
        _jobs.queue,
        _jobs.job_type,
        func.count().label("queued"),
        literal_column("0").label("due"),
        func.min(_jobs.turn_at).label("oldest"),
    )
    .where(_jobs.status == _QUEUED)
    .group_by(_jobs.queue, _jobs.job_type),
    select(
        _jobs.queue,
        _jobs.job_type,
        literal_column("0").label("queued"),
        func.count().label("due"),
        func.min(_jobs.run_at).label("oldest"),
    )
    .where(_jobs.status == _SCHEDULED, _jobs.run_at <= bindparam("now"))
    .group_by(_jobs.queue, _jobs.job_type),
)
_PAUSES = select(job_pauses.c.kind, job_pauses.c.name)
_RUNNING = (
    select(_jobs.job_type, func.count().label("jobs"))
    .where(_jobs.status == literal_column("'running'"))
    .group_by(_jobs.job_type)
)
_STILL = tuple(
    select(_jobs.status, _jobs.job_type)
    .where(_jobs.status == literal_column(f"'{state}'"))
    .limit(literal_column(str(MOST_JOBS)))
    .subquery(f"still_{state}")
    for state in ("scheduled", "waiting", "paused", "held")
)
_STANDING = union_all(
    *(
        select(each.c.status, each.c.job_type, func.count().label("jobs")).group_by(
            each.c.status, each.c.job_type
        )
        for each in _STILL
    )
)
_newest = (
    select(_jobs.job_id, _jobs.job_type, _jobs.status)
    .where(_jobs.created_at >= bindparam("since"))
    .order_by(_jobs.created_at.desc(), _jobs.job_id.desc())
    .limit(literal_column(str(MOST_JOBS)))
    .subquery("newest")
)
_ENDED = (
    select(_newest.c.status, _newest.c.job_type, func.count().label("jobs"))
    .where(_newest.c.status.in_(("succeeded", "failed", "dead", "cancelled")))
    .group_by(_newest.c.status, _newest.c.job_type)
)
_OUTCOMES = (
    select(_newest.c.job_type, _attempts.outcome, func.count().label("attempts"))
    .select_from(_newest.join(job_attempts, _newest.c.job_id == _attempts.job_id))
    .where(_attempts.outcome.is_not(None))
    .group_by(_newest.c.job_type, _attempts.outcome)
)
_LOGINS = (
    select(_logins.service_type, _logins.is_active, func.max(_logins.expires_at).label("expires"))
    .where(_logins.mode == bindparam("of_mode"), _logins.account == bindparam("of_account"))
    .group_by(_logins.service_type, _logins.is_active)
)
# Autovacuum and backups have transactions of their own right.
_OLDEST_TRANSACTION = text(
    "SELECT EXTRACT(EPOCH FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """One row of JobWorkers."""

    worker_id: str
    host: str
    process_id: int
    status: str
    threads: int
    running: int
    abandoned: int
    started_at: datetime
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Jobs of one type in one queue that wait for a worker. `oldest` is whose turn came first.

    `due` ones are scheduled still, although their time has come.
    """

    queue: str
    job_type: str
    queued: int
    due: int
    oldest: datetime
    is_paused: bool

    @property
    def jobs(self) -> int:
        return self.queued + self.due


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLogin:
    """The newest expiry of a service's logins; `is_active` unless it was ended."""

    expires_at: datetime
    is_active: bool


class VitalSignsRepository:
    """What checks and metrics ask. Every query is bounded or walks an index."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_workers(self, *, since: datetime) -> list[WorkerSeen]:
        """Those heard of since, longest running first."""
        rows = self._connection.execute(_WORKERS, {"since": since})
        return [WorkerSeen(**row._mapping) for row in rows]  # noqa: SLF001 - its public name

    def has_schedules(self) -> bool:
        return self._connection.execute(_HAS_SCHEDULES).first() is not None

    def get_overdue_schedule(self, *, now: datetime) -> tuple[str, datetime] | None:
        """The schedule that has been due for longest, and since when."""
        row = self._connection.execute(_OVERDUE, {"now": now}).first()
        return None if row is None else (row.job_name, row.next_due)

    def list_waiting(self, *, now: datetime) -> list[Waiting]:
        """Queued jobs, and scheduled ones that are due, by queue and type."""
        paused = {(row.kind, row.name) for row in self._connection.execute(_PAUSES)}
        found: dict[tuple[str, str], Waiting] = {}
        for row in self._connection.execute(_DUE, {"now": now}):
            key = (row.queue, row.job_type)
            before = found.get(key)
            found[key] = Waiting(
                queue=row.queue,
                job_type=row.job_type,
                queued=row.queued + (before.queued if before else 0),
                due=row.due + (before.due if before else 0),
                oldest=min(row.oldest, before.oldest) if before else row.oldest,
                is_paused=bool({("queue", row.queue), ("job_type", row.job_type)} & paused),
            )
        return [found[key] for key in sorted(found)]

    def count_jobs(self, *, ended_since: datetime) -> Mapping[tuple[str, str], int]:
        """Jobs by state and type, queued ones left out.

        Ended ones are those of the newest `MOST_JOBS` that were asked for since `ended_since`;
        of each other state up to as many are counted.
        """
        running = self._connection.execute(_RUNNING)
        counts = {("running", row.job_type): row.jobs for row in running}
        for statement in (_STANDING, _ENDED):
            chosen = {"since": ended_since} if statement is _ENDED else {}
            for row in self._connection.execute(statement, chosen):
                counts[row.status, row.job_type] = row.jobs
        return counts

    def count_outcomes(self, *, since: datetime) -> Mapping[tuple[str, str], int]:
        """How attempts ended, by type and outcome, of the newest `MOST_JOBS` jobs since."""
        rows = self._connection.execute(_OUTCOMES, {"since": since})
        return {(row.job_type, row.outcome): row.attempts for row in rows}

    def list_logins(
        self, *, mode: BrokerMode, account: str = "main"
    ) -> Mapping[Service, LastLogin]:
        """Each service's last login, the one in force if there is one; no secret is opened."""
        found: dict[Service, LastLogin] = {}
        for row in self._connection.execute(_LOGINS, {"of_mode": mode, "of_account": account}):
            service = Service(row.service_type)
            if row.is_active or service not in found:
                found[service] = LastLogin(expires_at=row.expires, is_active=row.is_active)
        return found

    def get_oldest_transaction_seconds(self) -> float | None:
        """How long the oldest open transaction on a PostgreSQL database has lasted."""
        if self._connection.dialect.name != "postgresql":
            return None
        age: Any = self._connection.execute(_OLDEST_TRANSACTION).scalar()
        return None if age is None else float(age)
