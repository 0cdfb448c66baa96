"""What all processes know of a broker: a rejected login, whose turn it is, and its circuit."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_sessions"
down_revision = "2026_11_25_quotas"


def upgrade() -> None:
    op.create_table(
        "LoginStates",
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("account", types.Name(50), nullable=False),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("rejected_session_id", types.RowUuid()),
        sa.Column("rejected_at", types.Instant()),
        sa.Column("rejected_why", types.Prose()),
        sa.Column("probed_at", types.Instant()),
        sa.Column("told_session_id", types.RowUuid()),
        sa.Column("told_state", types.Name(20)),
        sa.Column("turn_holder", types.RowUuid()),
        sa.Column("turn_until", types.Instant()),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("mode", "account", "service_type", name="pk_LoginStates"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "BrokerCircuits",
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("failures", types.Whole(), nullable=False),
        sa.Column("openings", types.Whole(), nullable=False),
        sa.Column("opened_at", types.Instant()),
        sa.Column("open_until", types.Instant()),
        sa.Column("last_failure", types.Prose()),
        sa.Column("last_failed_at", types.Instant()),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("mode", "service_type", name="pk_BrokerCircuits"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("BrokerCircuits")
    op.drop_table("LoginStates")
