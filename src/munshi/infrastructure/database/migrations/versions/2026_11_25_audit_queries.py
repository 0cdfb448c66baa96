"""The audit trail by job, request and action, and in the order of time."""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_25_audit_queries"
down_revision = "2026_11_25_jobs_and_schedules"

_TABLE = "AuditLogs"
_OLD = {
    "ix_AuditLogs_entity_type_entity_id_id": ["entity_type", "entity_id", "id"],
    "ix_AuditLogs_user_id_id": ["user_id", "id"],
    "ix_AuditLogs_timestamp": ["timestamp"],
}
_NEW = {
    "ix_AuditLogs_entity_type_entity_id_timestamp_id": [
        "entity_type",
        "entity_id",
        "timestamp",
        "id",
    ],
    "ix_AuditLogs_user_id_timestamp_id": ["user_id", "timestamp", "id"],
    "ix_AuditLogs_action_timestamp_id": ["action", "timestamp", "id"],
    "ix_AuditLogs_timestamp_id": ["timestamp", "id"],
}
_FILTERED = ("request_id", "job_id", "transaction_id")


def _audit_logs(*added: sa.Column[str]) -> sa.Table:
    """As SQLite says it: the new column stands where the model has it."""
    return sa.Table(
        _TABLE,
        sa.MetaData(),
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("transaction_id", types.TransactionId()),
        sa.Column("format_version", types.Whole(), nullable=False),
        sa.Column("entity_type", types.Name(50), nullable=False),
        sa.Column("entity_id", types.Name(200)),
        sa.Column("action", types.Name(50), nullable=False),
        sa.Column("old_value", types.Json()),
        sa.Column("new_value", types.Json()),
        sa.Column("timestamp", types.Instant(), nullable=False),
        sa.Column("user_id", types.Name(100), nullable=False),
        sa.Column("request_id", types.Name(64)),
        *added,
        sa.Column("details", types.Json()),
        sa.Column("canonical", types.Octets(), nullable=False),
        sa.Column("leaf", types.Digest(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_AuditLogs"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )


def upgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        op.add_column(_TABLE, sa.Column("job_id", types.Name(64)))
    elif context.is_offline_mode():
        op.execute(f'ALTER TABLE "{_TABLE}" ADD COLUMN job_id TEXT')
    else:
        rebuild_table(op.get_bind(), _audit_logs(sa.Column("job_id", types.Name(64))))
    for name in _OLD:
        op.drop_index(name, table_name=_TABLE)
    for name, columns in _NEW.items():
        op.create_index(name, _TABLE, columns)
    for column in _FILTERED:
        condition = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_AuditLogs_{column}",
            _TABLE,
            [column],
            sqlite_where=condition,
            postgresql_where=condition,
            mssql_where=condition,
        )


def downgrade() -> None:
    for column in reversed(_FILTERED):
        op.drop_index(f"ix_AuditLogs_{column}", table_name=_TABLE)
    for name in reversed(_NEW):
        op.drop_index(name, table_name=_TABLE)
    for name, columns in _OLD.items():
        op.create_index(name, _TABLE, columns)
    if op.get_context().dialect.name != "sqlite" or context.is_offline_mode():
        op.drop_column(_TABLE, "job_id")
    else:
        rebuild_table(op.get_bind(), _audit_logs())
