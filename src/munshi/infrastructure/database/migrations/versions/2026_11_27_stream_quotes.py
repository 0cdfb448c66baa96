"""The first quote of each minute that a stream showed, for backtests that fill at bid and offer."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_27_stream_quotes"
down_revision = "2026_11_26_nautilus"

_QUOTES = "StreamQuotes"


def upgrade() -> None:
    op.create_table(
        _QUOTES,
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("exchange", types.Name(20), nullable=False),
        sa.Column("instrument", types.Name(100), nullable=False),
        sa.Column("minute", types.Instant(), nullable=False),
        sa.Column("source", types.Name(50), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("bid", types.Whole(), nullable=False),
        sa.Column("bid_quantity", types.Whole(), nullable=False),
        sa.Column("offer", types.Whole(), nullable=False),
        sa.Column("offer_quantity", types.Whole(), nullable=False),
        sa.PrimaryKeyConstraint(
            "mode",
            "exchange",
            "instrument",
            "minute",
            "source",
            name=op.f("pk_StreamQuotes"),
        ),
        sa.CheckConstraint(
            "mode = 'simulated' OR mode = 'live'", name=op.f("ck_StreamQuotes_mode")
        ),
        sa.CheckConstraint("bid > 0 AND bid <= offer", name=op.f("ck_StreamQuotes_prices")),
        sa.CheckConstraint(
            "bid_quantity > 0 AND offer_quantity > 0", name=op.f("ck_StreamQuotes_quantities")
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table(_QUOTES)
