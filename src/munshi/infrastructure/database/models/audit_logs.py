"""AuditLogs, which nobody may change, and the personal values that may be erased beside it."""

from sqlalchemy import Column, FetchedValue, Index

from munshi.infrastructure.database.models.base import position, table, where
from munshi.infrastructure.database.types import (
    Digest,
    Instant,
    Json,
    Name,
    Octets,
    Prose,
    TransactionId,
    Whole,
)

audit_logs = table(
    "AuditLogs",
    position(),
    Column("transaction_id", TransactionId, server_default=FetchedValue()),
    Column("format_version", Whole, nullable=False),
    Column("entity_type", Name(50), nullable=False),
    Column("entity_id", Name(200)),
    Column("action", Name(50), nullable=False),
    Column("old_value", Json),
    Column("new_value", Json),
    Column("timestamp", Instant, nullable=False),
    Column("user_id", Name(100), nullable=False),
    Column("request_id", Name(64)),
    Column("job_id", Name(64)),
    Column("details", Json),
    Column("canonical", Octets, nullable=False),
    Column("leaf", Digest, nullable=False),
    Index("uq_AuditLogs_leaf", "leaf", unique=True),
    # Each way of asking is also the order of the answer, with the time as a range.
    Index(
        "ix_AuditLogs_entity_type_entity_id_timestamp_id",
        "entity_type",
        "entity_id",
        "timestamp",
        "id",
    ),
    Index("ix_AuditLogs_user_id_timestamp_id", "user_id", "timestamp", "id"),
    Index("ix_AuditLogs_action_timestamp_id", "action", "timestamp", "id"),
    Index("ix_AuditLogs_timestamp_id", "timestamp", "id"),
    Index("ix_AuditLogs_request_id", "request_id", **where("request_id IS NOT NULL")),
    Index("ix_AuditLogs_job_id", "job_id", **where("job_id IS NOT NULL")),
    # Who follows the trail asks for what committed since (PostgreSQL, SQL Server).
    Index("ix_AuditLogs_transaction_id", "transaction_id", **where("transaction_id IS NOT NULL")),
    counted=True,
)

audit_personal_data = table(
    "AuditPersonalData",
    # No foreign key: a value outlives the archiving of its row, so that it can still be erased.
    Column("audit_id", Whole, primary_key=True, autoincrement=False),
    Column("field", Name(50), primary_key=True),
    Column("salt", Digest, nullable=False),
    Column("value", Prose, nullable=False),
)
