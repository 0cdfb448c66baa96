"""JobPauses: queues and job types from which nothing is taken for now."""

from sqlalchemy import CheckConstraint, Column

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Name, Prose

job_pauses = table(
    "JobPauses",
    Column("kind", Name(20), primary_key=True),
    Column("name", Name(50), primary_key=True),
    Column("reason", Prose),
    Column("paused_by", Name(100), nullable=False),
    Column("paused_at", Instant, nullable=False),
    CheckConstraint("kind IN ('queue', 'job_type')", name="kind"),
    keyed=True,
)
