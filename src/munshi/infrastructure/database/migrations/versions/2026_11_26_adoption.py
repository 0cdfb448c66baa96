"""What was taken over from an old install: which rows, and which jobs they became."""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_26_adoption"
down_revision = "2026_11_26_sessions"

_JOBS, _ROWS = "BackgroundJobs", "LegacyRows"
_FATE = "fate = 'imported' OR fate = 'left'"
_STATES = (
    *("scheduled", "queued", "running", "waiting", "paused"),
    *("held", "succeeded", "failed", "dead", "cancelled"),
)
_STATUS = " OR ".join(f"status = '{state}'" for state in _STATES)
_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}


def upgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        op.add_column(_JOBS, sa.Column("imported_from", types.Name(200)))
    elif context.is_offline_mode():
        op.execute(f'ALTER TABLE "{_JOBS}" ADD COLUMN imported_from TEXT')
    else:
        rebuild_table(op.get_bind(), _jobs(sa.Column("imported_from", types.Name(200))))
    op.create_table(
        _ROWS,
        sa.Column("source", types.Name(100), nullable=False),
        sa.Column("row_key", types.Name(100), nullable=False),
        sa.Column("fate", types.Name(20), nullable=False),
        sa.Column("noted_at", types.Instant, nullable=False),
        sa.PrimaryKeyConstraint("source", "row_key", name=op.f(f"pk_{_ROWS}")),
        sa.CheckConstraint(_FATE, name=op.f(f"ck_{_ROWS}_fate")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table(_ROWS)
    if op.get_context().dialect.name != "sqlite" or context.is_offline_mode():
        op.drop_column(_JOBS, "imported_from")
    else:
        rebuild_table(op.get_bind(), _jobs())


def _jobs(*added: sa.Column[str]) -> sa.Table:
    """As SQLite says it: the new column stands where the model has it."""
    return sa.Table(
        _JOBS,
        sa.MetaData(naming_convention=_CONVENTION),
        sa.Column("job_id", types.RowUuid, primary_key=True),
        sa.Column("job_type", types.Name(50), nullable=False),
        sa.Column("status", types.Name(20), nullable=False),
        sa.Column("progress_percent", types.Real, nullable=False, server_default="0"),
        sa.Column("message", types.Prose),
        sa.Column("parameters", types.Json, nullable=False),
        sa.Column("result_data", types.Json),
        sa.Column("error_details", types.Prose),
        sa.Column("priority", types.Whole, nullable=False, server_default="0"),
        sa.Column("attempt", types.Whole, nullable=False, server_default="0"),
        sa.Column("max_attempts", types.Whole, nullable=False, server_default="1"),
        sa.Column("run_at", types.Instant, nullable=False),
        sa.Column("waits_for_service", types.Name(20)),
        sa.Column("cancel_requested", types.Flag, nullable=False),
        sa.Column("idempotency_key", types.Name(200)),
        sa.Column("parent_id", types.RowUuid, sa.ForeignKey("BackgroundJobs.job_id")),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("started_at", types.Instant),
        sa.Column("updated_at", types.Instant, nullable=False),
        sa.Column("completed_at", types.Instant),
        sa.Column("queue", types.Name(50), nullable=False, server_default="default"),
        sa.Column("turn_at", types.Instant, nullable=False),
        sa.Column("concurrency_key", types.Name(200)),
        sa.Column("idempotency_until", types.Instant),
        sa.Column("schedule_name", types.Name(100)),
        sa.Column("errors", types.Whole, nullable=False, server_default="0"),
        sa.Column("crashes", types.Whole, nullable=False, server_default="0"),
        sa.Column("progress_rate", types.Real),
        sa.Column("worker_id", types.Name(100)),
        sa.Column("attempt_started_at", types.Instant),
        sa.Column("lease_until", types.Instant),
        sa.Column("heartbeat_at", types.Instant),
        *added,
        sa.CheckConstraint(_STATUS, name="status"),
        sa.CheckConstraint(
            "progress_percent >= 0 AND progress_percent <= 100", name="progress_percent"
        ),
        sqlite_strict=True,
    )
