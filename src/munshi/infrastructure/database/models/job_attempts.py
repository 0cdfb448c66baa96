"""JobAttempts: who ran a job, under which lease, and how it ended; written at the end.

The attempt that runs stands in the job's own row, so that a job costs one row less to write. For
the same reason there is no foreign key: who deletes jobs deletes their attempts.
"""

from sqlalchemy import Column

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Prose, RowUuid, Whole

job_attempts = table(
    "JobAttempts",
    Column("job_id", RowUuid, primary_key=True),
    Column("attempt", Whole, primary_key=True, autoincrement=False),
    Column("worker_id", Name(100), nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", Name(20)),
    Column("error", Prose),
    keyed=True,
)
