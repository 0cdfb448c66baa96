"""JobArtifacts: files too large for a result, with the hash of what they hold."""

from sqlalchemy import Column, ForeignKey

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Digest, Instant, Name, Prose, RowUuid, Whole

job_artifacts = table(
    "JobArtifacts",
    Column(
        "job_id", RowUuid, ForeignKey("BackgroundJobs.job_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("name", Name(100), primary_key=True),
    Column("attempt", Whole, nullable=False),
    Column("path", Prose, nullable=False),
    Column("sha256", Digest, nullable=False),
    Column("size", Whole, nullable=False),
    Column("media_type", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
)
