"""Fills Munshi's job tables by SQL, from one job that Munshi itself stored."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, text

from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import background_jobs, job_attempts
from munshi.infrastructure.database.types import Instant

# Rows are dealt out one a millisecond, the last of them at the seed's own time.
_SERIES = {
    "sqlite": "WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made "
    "WHERE n < :many)",
    "postgresql": "WITH made(n) AS (SELECT generate_series(1, :many))",
}
# As Munshi's own ids, those of version 7: in the order of time, so that neighbours stay together.
_ID = {
    "sqlite": "(SELECT substr(t, 1, 8) || '-' || substr(t, 9) || '-7' || substr(r, 1, 3) || '-a' "
    "|| substr(r, 4, 3) || '-' || substr(r, 7, 12) FROM (SELECT printf('%012x', :last - :many + n) "
    "AS t, lower(hex(randomblob(9))) AS r))",
    "postgresql": "(SELECT (substr(t, 1, 8) || '-' || substr(t, 9) || '-7' "
    "|| substr(gen_random_uuid()::text, 16))::uuid "
    "FROM (SELECT lpad(to_hex(:last - :many + n), 12, '0') AS t) AS made_at)",
}
_EARLIER = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f', {}, ((n - :many) / 1000.0) || ' seconds') || '000Z'",
    "postgresql": "{} - (:many - n) * interval '1 millisecond'",
}


def multiply(database: Database, seed: UUID, *, many: int) -> None:
    """Store `many` more jobs like `seed`, with attempts like its, under ids of their own."""
    dialect = database.dialect
    earlier, row_id = _EARLIER[dialect], _ID[dialect]
    jobs, attempts = f'"{background_jobs.name}"', f'"{job_attempts.name}"'
    like = [
        row_id if each.name == "job_id" else _apart(each, earlier)
        for each in background_jobs.columns
    ]
    ran = [
        "jobs.job_id" if each.name == "job_id" else f"seeds.{each.name}"
        for each in job_attempts.columns
    ]
    insert_jobs = text(
        f"{_SERIES[dialect]} INSERT INTO {jobs} ({_names(background_jobs)}) "
        f"SELECT {', '.join(like)} FROM {jobs}, made WHERE job_id = :seed"
    )
    insert_attempts = text(
        f"INSERT INTO {attempts} ({_names(job_attempts)}) "
        f"SELECT {', '.join(ran)} FROM {jobs} jobs, {attempts} seeds "
        f"WHERE seeds.job_id = :seed AND jobs.job_id <> :seed "
        f"AND jobs.status = (SELECT status FROM {jobs} WHERE job_id = :seed)"
    )
    row = str(seed) if dialect == "sqlite" else seed
    with database.engine.begin() as connection:
        connection.execute(insert_jobs, {"seed": row, "many": many, "last": seed.int >> 80})
        connection.execute(insert_attempts, {"seed": row})


def _names(table: Table) -> str:
    return ", ".join(table.columns.keys())


def _apart(column: Column[Any], earlier: str) -> str:
    return earlier.format(column.name) if isinstance(column.type, Instant) else column.name
