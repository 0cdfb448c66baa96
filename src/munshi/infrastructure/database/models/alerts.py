"""Alerts: what a person should look at, one open row for each thing."""

from sqlalchemy import CheckConstraint, Column, Index

from munshi.infrastructure.database.models.base import table, where
from munshi.infrastructure.database.types import Instant, Name, Prose, RowUuid

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
    CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity"),
    CheckConstraint("state IN ('open', 'resolved')", name="state"),
    Index("uq_Alerts_open", "fingerprint", unique=True, **where("state = 'open'")),
    Index("ix_Alerts_raised_at", "raised_at"),
)
