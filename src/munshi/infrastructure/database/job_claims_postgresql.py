"""Claims and successful ends on PostgreSQL: one statement each, with the attempts in it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from munshi.domain.jobs import Job, JobState
from munshi.infrastructure.database.job_claims import CLAIMED, Lane, Success, by_turn

_RUNNING = JobState.RUNNING
_encode = json.JSONEncoder(ensure_ascii=False).encode


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
        values = {**_lanes(lanes), "worker": worker_id, "until": now + lease, "now": now}
        rows = cursor.execute(postgresql_claim(limit), values, prepare=True).fetchall()
        return _jobs(rows, now)

    def succeed(self, cursor: Any, done: Sequence[Success], *, now: datetime) -> set[UUID]:  # noqa: ANN401
        values = {"done": _document(done), "now": now}
        return {row[0] for row in cursor.execute(SUCCEED, values, prepare=True)}

    def swap(
        self,
        cursor: Any,  # noqa: ANN401
        done: Sequence[Success],
        lanes: Sequence[Lane],
        *,
        worker_id: str,
        limit: int,
        lease: timedelta,
        now: datetime,
    ) -> tuple[set[UUID], list[Job]]:
        """`succeed` and `claim` in one statement: one way to the server and one commit."""
        values = {
            **_lanes(lanes),
            "done": _document(done),
            "worker": worker_id,
            "until": now + lease,
            "now": now,
        }
        rows = cursor.execute(postgresql_swap(limit), values, prepare=True).fetchall()
        kept = rows[0][_KEPT] or ()
        return set(kept), _jobs([row for row in rows if row[0] is not None], now)

    def has_due(self, cursor: Any, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:  # noqa: ANN401
        values = {**_lanes(lanes), "now": now}
        scheduled, queued = cursor.execute(POSTGRESQL_HAS_DUE, values, prepare=True).fetchone()
        return scheduled, queued


def _lanes(lanes: Sequence[Lane]) -> dict[str, object]:
    return {
        "queues": [lane.queue for lane in lanes],
        "types": [lane.job_type for lane in lanes],
    }


_id = itemgetter(0)


def _document(done: Sequence[Success]) -> str:
    """One document instead of an array for each column: the driver makes those in Python.

    By id, the order in which everybody locks several jobs: else two would wait for each other.
    """
    rows = ",".join(
        f'{{"i":"{one.job_id}","a":{one.attempt},"m":{_encode(one.message)},"r":{one.result}}}'
        for one in sorted(done, key=_id)
    )
    return f"[{rows}]"


def _jobs(rows: list[tuple[Any, ...]], now: datetime) -> list[Job]:
    rows.sort(key=by_turn)
    return [_job(row, now) for row in rows]


_LANES = """unnest(%(queues)s::text[], %(types)s::text[]) AS lane (queue, job_type)"""
_UNPAUSED = """NOT EXISTS (SELECT 1 FROM "JobPauses" WHERE
(kind = 'queue' AND name = lane.queue) OR (kind = 'job_type' AND name = lane.job_type))"""


_KEPT = len(CLAIMED.split(", "))
_ENDED = """ended AS (
  UPDATE "BackgroundJobs" AS job SET status = 'succeeded', progress_percent = 100,
    progress_rate = NULL, message = coalesce(done.m, job.message), result_data = done.r,
    error_details = NULL, completed_at = %(now)s, updated_at = %(now)s
  FROM json_to_recordset(%(done)s::json) AS done (i uuid, a int8, m text, r jsonb)
  WHERE job.job_id = done.i AND job.attempt = done.a AND job.status = 'running'
  RETURNING job.job_id, job.attempt, job.worker_id, job.lease_until, job.heartbeat_at,
    job.attempt_started_at
), kept AS (
  INSERT INTO "JobAttempts" (job_id, attempt, worker_id, lease_until, heartbeat_at, started_at,
    finished_at, outcome)
  SELECT job_id, attempt, worker_id, lease_until, coalesce(heartbeat_at, attempt_started_at),
    attempt_started_at, %(now)s, 'succeeded' FROM ended
  RETURNING job_id
)"""
SUCCEED = f"WITH {_ENDED} SELECT job_id FROM kept"


@lru_cache
def _claimed(limit: int) -> str:
    """The limit is written out, so that the planner knows how little it has to look at."""
    returned = ", ".join(f"job.{name}" for name in CLAIMED.split(", "))
    return f"""due AS MATERIALIZED (
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
)"""


@lru_cache
def postgresql_claim(limit: int) -> str:
    return f"WITH {_claimed(limit)} SELECT * FROM claimed"


@lru_cache
def postgresql_swap(limit: int) -> str:
    """The claimed rows, the first of them with the ids of the ends that were kept."""
    return f"""WITH {_ENDED}, {_claimed(limit)}
SELECT claimed.*, CASE WHEN row_number() OVER () = 1 THEN told.ids END
FROM (SELECT array_agg(job_id) AS ids FROM kept) AS told LEFT JOIN claimed ON true"""


POSTGRESQL_HAS_DUE = f"""SELECT EXISTS (SELECT 1 FROM "BackgroundJobs"
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
