"""Days of which bars are missing, and why."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_collecting"
down_revision = "2026_11_26_streaming"

_REASONS = ("nothing_returned", "partial", "refused", "quota", "error", "not_yet_traded")
_KEY = ("mode", "source", "exchange", "instrument", "interval", "day")


def upgrade() -> None:
    op.create_table(
        "CandleGaps",
        sa.Column("mode", types.Name(20)),
        sa.Column("source", types.Name(50)),
        sa.Column("exchange", types.Name(20)),
        sa.Column("instrument", types.Name(100)),
        sa.Column("interval", types.Name(20)),
        sa.Column("day", types.Day()),
        sa.Column("reason", types.Name(30), nullable=False),
        sa.Column("expected", types.Whole(), nullable=False),
        sa.Column("present", types.Whole(), nullable=False),
        sa.Column("detail", types.Prose()),
        sa.Column("first_seen", types.Instant(), nullable=False),
        sa.Column("last_seen", types.Instant(), nullable=False),
        sa.Column("job_id", types.RowUuid()),
        sa.CheckConstraint("mode = 'simulated' OR mode = 'live'", name=op.f("ck_CandleGaps_mode")),
        sa.CheckConstraint(
            " OR ".join(f"reason = '{reason}'" for reason in _REASONS),
            name=op.f("ck_CandleGaps_reason"),
        ),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_CandleGaps"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("CandleGaps")
