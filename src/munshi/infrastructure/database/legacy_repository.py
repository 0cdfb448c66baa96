"""SQL for what an old install becomes here: its jobs, and which of its rows were dealt with."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, select, text

from munshi.domain.legacy import LegacyJob, RowFate
from munshi.infrastructure.database.models import background_jobs, legacy_rows

_HANDLED = select(legacy_rows.c.row_key).where(
    legacy_rows.c.source == bindparam("source"),
    legacy_rows.c.row_key.in_(bindparam("keys", expanding=True)),
)
_COUNT = (
    select(func.count()).select_from(legacy_rows).where(legacy_rows.c.source == bindparam("source"))
)
_LOCK = text("SELECT pg_advisory_xact_lock(7746713502)")  # any constant: one import at a time
_NOTE = insert(legacy_rows)
_ADD = insert(background_jobs)
_PRESENT = select(background_jobs.c.job_id).where(
    background_jobs.c.job_id.in_(bindparam("rows", expanding=True))
)


class LegacyRepository:
    """Appends; what was imported is never changed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def wait_for_others(self) -> None:
        """Until this transaction ends nobody else takes rows over; SQLite has one writer anyway."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_LOCK)

    def list_handled(self, source: str, keys: Collection[str]) -> set[str]:
        """Those of `keys`, some hundreds at most, that were dealt with before."""
        if not keys:
            return set()
        values = {"source": source, "keys": list(keys)}
        return set(self._connection.execute(_HANDLED, values).scalars())

    def count_handled(self, source: str) -> int:
        return int(self._connection.execute(_COUNT, {"source": source}).scalar_one())

    def save_handled(
        self, source: str, keys: Iterable[str], *, fate: RowFate, now: datetime
    ) -> None:
        rows = [{"source": source, "row_key": key, "fate": fate, "noted_at": now} for key in keys]
        if rows:
            self._connection.execute(_NOTE, rows)

    def list_present(self, job_ids: Collection[UUID]) -> set[UUID]:
        """Those of `job_ids`, some hundreds at most, that a job has already."""
        if not job_ids:
            return set()
        return set(self._connection.execute(_PRESENT, {"rows": list(job_ids)}).scalars())

    def save_jobs(self, jobs: Sequence[LegacyJob]) -> None:
        if jobs:
            self._connection.execute(_ADD, [_row(job) for job in jobs])


def _row(job: LegacyJob) -> dict[str, object]:
    named = asdict(job)
    return {
        **named,
        "status": named.pop("state"),
        "run_at": job.created_at,
        "turn_at": job.created_at,
        "cancel_requested": False,
    }
