"""Claims and successful ends on SQLite; each value is what STRICT tables hold: text, numbers."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from munshi.domain.jobs import Job, JobState
from munshi.infrastructure.database.job_claims import CLAIMED, Lane, Success, by_turn
from munshi.infrastructure.database.types import to_text

_RUNNING = JobState.RUNNING
_decode = json.JSONDecoder().raw_decode
_instant = datetime.fromisoformat


class SqliteClaims:
    """One writer at a time: what it takes nobody else can see."""

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
        at = to_text(now)
        values = (at, to_text(now + lease), worker_id, *(part for lane in lanes for part in lane))
        rows = cursor.execute(sqlite_claim(len(lanes), limit), values).fetchall()
        rows.sort(key=by_turn)
        return [_job(row, now) for row in rows]

    def succeed(self, cursor: Any, done: Sequence[Success], *, now: datetime) -> set[UUID]:  # noqa: ANN401
        at = to_text(now)
        keys = [(str(one.job_id), one.attempt) for one in done]
        cursor.executemany(
            _SUCCEED,
            [(one.message, one.result, at, at, *key) for one, key in zip(done, keys, strict=True)],
        )
        if cursor.rowcount == len(done):
            cursor.executemany(_ATTEMPT, keys)
            return {one.job_id for one in done}
        return {
            one.job_id
            for one, key in zip(done, keys, strict=True)
            if cursor.execute(_ATTEMPT_OF_NEW_END, (*key, at)).rowcount == 1
        }

    def has_due(self, cursor: Any, lanes: Sequence[Lane], *, now: datetime) -> tuple[bool, bool]:  # noqa: ANN401
        values = (to_text(now), *(x for lane in lanes for x in lane))
        scheduled, queued = cursor.execute(sqlite_has_due(len(lanes)), values).fetchone()
        return bool(scheduled), bool(queued)


_LANE = """SELECT place, turn_at FROM (
  SELECT rowid AS place, turn_at FROM "BackgroundJobs"
  WHERE status = 'queued' AND queue = ?{queue} AND job_type = ?{type} AND NOT EXISTS (
    SELECT 1 FROM "JobPauses" WHERE (kind = 'queue' AND name = ?{queue})
    OR (kind = 'job_type' AND name = ?{type}))
  ORDER BY turn_at LIMIT {limit})"""
# SQLite takes 500 terms in one compound SELECT.
_MOST_TERMS = 400
_ATTEMPT = """INSERT INTO "JobAttempts"
(job_id, attempt, worker_id, lease_until, heartbeat_at, started_at, finished_at, outcome)
SELECT job_id, attempt, worker_id, lease_until, coalesce(heartbeat_at, attempt_started_at),
  attempt_started_at, completed_at, 'succeeded'
FROM "BackgroundJobs" WHERE job_id = ? AND attempt = ?"""
# Where some of a batch were fenced: only those that ended just now, and only once.
_ATTEMPT_OF_NEW_END = f"""{_ATTEMPT} AND status = 'succeeded' AND completed_at = ?
AND NOT EXISTS (SELECT 1 FROM "JobAttempts" AS old WHERE old.job_id = "BackgroundJobs".job_id
  AND old.attempt = "BackgroundJobs".attempt)"""
_SUCCEED = """UPDATE "BackgroundJobs" SET status = 'succeeded', progress_percent = 100,
progress_rate = NULL, message = coalesce(?, message), result_data = ?, error_details = NULL,
completed_at = ?, updated_at = ? WHERE job_id = ? AND attempt = ? AND status = 'running'"""


def _lanes(count: int, *, limit: int, first: int) -> str:
    lanes = [
        _LANE.format(queue=first + 2 * lane, type=first + 2 * lane + 1, limit=limit)
        for lane in range(count)
    ]
    groups = [
        " UNION ALL ".join(lanes[start : start + _MOST_TERMS])
        for start in range(0, count, _MOST_TERMS)
    ]
    if len(groups) == 1:
        return groups[0]
    return " UNION ALL ".join(f"SELECT place, turn_at FROM ({group})" for group in groups)


@lru_cache
def sqlite_claim(lanes: int, limit: int) -> str:
    return f"""UPDATE "BackgroundJobs" SET status = 'running', attempt = attempt + 1,
progress_percent = 0, progress_rate = NULL, message = NULL, updated_at = ?1,
started_at = coalesce(started_at, ?1), attempt_started_at = ?1, heartbeat_at = NULL,
lease_until = ?2, worker_id = ?3
WHERE rowid IN (SELECT place FROM ({_lanes(lanes, limit=limit, first=4)})
  ORDER BY turn_at LIMIT {limit})
RETURNING {CLAIMED}"""


@lru_cache
def sqlite_has_due(lanes: int) -> str:
    queued = f"EXISTS ({_lanes(lanes, limit=1, first=2)})" if lanes else "0"
    return f"""SELECT EXISTS (SELECT 1 FROM "BackgroundJobs"
  WHERE status = 'scheduled' AND run_at <= ?1), {queued}"""


def _job(row: tuple[Any, ...], now: datetime) -> Job:
    """By position, in the order of the dataclass: a name for each costs as much as the value."""
    return Job(
        UUID(row[0]),
        row[1],
        _RUNNING,
        0.0,
        "",
        _decode(row[2])[0],
        None,
        row[20],
        row[3],
        row[4],
        row[5],
        _instant(row[6]),
        None,
        row[7],
        row[8],
        bool(row[9]),
        _instant(row[10]),
        _instant(row[11]),
        now,
        None,
        UUID(row[12]) if row[12] else None,
        row[13],
        row[14],
        _instant(row[15]) if row[15] else None,
        row[16],
        row[17],
        row[18],
    )
