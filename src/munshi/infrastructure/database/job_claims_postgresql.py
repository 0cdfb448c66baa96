"""Claims and successful ends on PostgreSQL: one statement each, with the attempts in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from munshi.domain.jobs import Job, JobState
from munshi.infrastructure.database.job_claims import CLAIMED, Lane, Success, by_turn

_RUNNING = JobState.RUNNING


class PostgresqlClaims:
    """Rows that somebody else is about to take are skipped."""

    def claim(
        self,
        cursor: Any,  # noqa: ANN401
        lanes: Sequence[Lane],
        *,
        worker_id: str,
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> list[Job]:
        values = {
            "queues": [lane.queue for lane in lanes],
            "types": [lane.job_type for lane in lanes],
            "worker": worker_id,
            "until": now + lease,
            "now": now,
        }
        rows = cursor.execute(postgresql_claim(limit), values, prepare=True).fetchall()
        rows.sort(key=by_turn)
        return [_job(row, now) for row in rows]

    def succeed(self, cursor: Any, done: Sequence[Success], *, now: datetime) -> set[UUID]:  # noqa: ANN401
        values = {
            "ids": [one.job_id for one in done],
            "attempts": [one.attempt for one in done],
            "messages": [one.message for one in done],
            "results": [one.result for one in done],
            "workers": [one.worker_id for one in done],
            "starts": [one.started_at for one in done],
            "beats": [one.heartbeat_at for one in done],
            "leases": [one.lease_until for one in done],
            "now": now,
        }
        return {row[0] for row in cursor.execute(_SUCCEED, values, prepare=True)}

    def has_due(self, cursor: Any, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:  # noqa: ANN401
        values = {
            "queues": [lane.queue for lane in lanes],
            "types": [lane.job_type for lane in lanes],
            "now": now,
        }
        scheduled, queued = cursor.execute(_DUE, values, prepare=True).fetchone()
        return scheduled, queued


_LANES = """unnest(%(queues)s::text[], %(types)s::text[]) AS lane (queue, job_type)"""
_UNPAUSED = """NOT EXISTS (SELECT 1 FROM "JobPauses" WHERE
(kind = 'queue' AND name = lane.queue) OR (kind = 'job_type' AND name = lane.job_type))"""


@lru_cache
def postgresql_claim(limit: int) -> str:
    """The limit is written out, so that the planner knows how little it has to look at."""
    returned = ", ".join(f"job.{name}" for name in CLAIMED.split(", "))
    return f"""WITH due AS MATERIALIZED (
  SELECT head.job_id FROM {_LANES} CROSS JOIN LATERAL (
    SELECT job_id, turn_at FROM "BackgroundJobs"
    WHERE status = 'queued' AND queue = lane.queue AND job_type = lane.job_type
    ORDER BY turn_at LIMIT {limit} FOR UPDATE SKIP LOCKED
  ) AS head WHERE {_UNPAUSED}
  ORDER BY head.turn_at LIMIT {limit}
), claimed AS (
  UPDATE "BackgroundJobs" AS job SET status = 'running', attempt = attempt + 1,
    progress_percent = 0, progress_rate = NULL, message = NULL, updated_at = %(now)s,
    started_at = coalesce(started_at, %(now)s), attempt_started_at = %(now)s,
    heartbeat_at = NULL, lease_until = %(until)s, worker_id = %(worker)s
  FROM due WHERE job.job_id = due.job_id
  RETURNING {returned}
)
SELECT * FROM claimed"""


_SUCCEED = """WITH done AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(attempts)s::int8[], %(messages)s::text[],
    %(results)s::text[], %(workers)s::text[], %(starts)s::timestamptz[],
    %(beats)s::timestamptz[], %(leases)s::timestamptz[])
  AS done (job_id, attempt, message, result, worker, started, beat, lease)
), ended AS (
  UPDATE "BackgroundJobs" AS job SET status = 'succeeded', progress_percent = 100,
    progress_rate = NULL, message = coalesce(done.message, job.message),
    result_data = done.result::jsonb, error_details = NULL, completed_at = %(now)s,
    updated_at = %(now)s
  FROM done WHERE job.job_id = done.job_id AND job.attempt = done.attempt
    AND job.status = 'running'
  RETURNING job.job_id, job.attempt, done.worker, done.started, done.beat, done.lease
)
INSERT INTO "JobAttempts" (job_id, attempt, worker_id, started_at, heartbeat_at, lease_until,
  finished_at, outcome)
SELECT job_id, attempt, worker, started, beat, lease, %(now)s, 'succeeded' FROM ended
RETURNING job_id"""
_DUE = f"""SELECT EXISTS (SELECT 1 FROM "BackgroundJobs"
  WHERE status = 'scheduled' AND run_at <= %(now)s),
EXISTS (SELECT 1 FROM {_LANES} WHERE {_UNPAUSED} AND EXISTS (
  SELECT 1 FROM "BackgroundJobs" WHERE status = 'queued' AND queue = lane.queue
  AND job_type = lane.job_type))"""


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)


def _job(row: tuple[Any, ...], now: datetime) -> Job:
    """By position, in the order of the dataclass: a name for each costs as much as the value."""
    return Job(
        row[0],
        row[1],
        _RUNNING,
        0.0,
        "",
        row[2],
        None,
        row[20],
        row[3],
        row[4],
        row[5],
        row[6].astimezone(UTC),
        None,
        row[7],
        row[8],
        row[9],
        row[10].astimezone(UTC),
        _utc(row[11]),
        now,
        None,
        row[12],
        row[13],
        row[14],
        _utc(row[15]),
        row[16],
        row[17],
        row[18],
    )
