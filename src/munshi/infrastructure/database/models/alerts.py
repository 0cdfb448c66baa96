"""Alerts: what a person should look at, one row for each thing until it is resolved."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.domain.alerts import Severity
from munshi.infrastructure.database.models.base import one_of, table, where
from munshi.infrastructure.database.types import Instant, Json, Name, Prose, RowUuid, Whole

OPEN = "state <> 'resolved'"

alerts = table(
    "Alerts",
    Column("id", RowUuid, primary_key=True),
    Column("fingerprint", Name(200), nullable=False),
    Column("kind", Name(50), nullable=False),
    Column("severity", Name(20), nullable=False),
    Column("state", Name(20), nullable=False),
    Column("title", Prose, nullable=False),
    Column("link", Prose),
    Column("subject", Name(200)),
    Column("raised_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("fired_at", Instant),
    # Since when its cause is not seen any more, while it is kept firing.
    Column("cleared_at", Instant),
    Column("times", Whole, nullable=False, server_default="1"),
    Column("told", Whole, nullable=False, server_default="0"),
    Column("told_at", Instant),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Name(100)),
    # What its rule looks at; nothing where it is raised by whoever notices.
    Column("source", Name(20)),
    Column("labels", Json),
    CheckConstraint(one_of("severity", Severity), name="severity"),
    CheckConstraint(one_of("state", ("pending", "firing", "resolved")), name="state"),
    Index("uq_Alerts_open", "fingerprint", unique=True, **where(OPEN)),
    Index("ix_Alerts_raised_at", "raised_at"),
)
