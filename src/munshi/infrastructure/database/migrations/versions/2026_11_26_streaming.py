"""Minute bars that a stream showed, apart from the candles until history confirms them."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_streaming"
down_revision = "2026_11_26_audit_archives"

_BARS = "ProvisionalBars"


def upgrade() -> None:
    op.create_table(
        _BARS,
        sa.Column("bar_id", types.RowUuid(), nullable=False),
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("source", types.Name(50), nullable=False),
        sa.Column("exchange", types.Name(20), nullable=False),
        sa.Column("instrument", types.Name(100), nullable=False),
        sa.Column("opens", types.Instant(), nullable=False),
        sa.Column("open", types.Whole(), nullable=False),
        sa.Column("high", types.Whole(), nullable=False),
        sa.Column("low", types.Whole(), nullable=False),
        sa.Column("close", types.Whole(), nullable=False),
        sa.Column("volume", types.Whole(), nullable=False),
        sa.Column("oi", types.Whole()),
        sa.Column("is_whole", types.Flag(), nullable=False),
        sa.Column("stored_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("bar_id", name=op.f("pk_ProvisionalBars")),
        sa.CheckConstraint("mode IN ('simulated', 'live')", name=op.f("ck_ProvisionalBars_mode")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_ProvisionalBars_minute",
        _BARS,
        ["mode", "source", "exchange", "instrument", "opens"],
        unique=True,
    )
    op.create_index("ix_ProvisionalBars_opens", _BARS, ["opens"])


def downgrade() -> None:
    op.drop_table(_BARS)
