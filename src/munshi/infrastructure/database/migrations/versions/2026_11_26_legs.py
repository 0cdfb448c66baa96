"""Trades tell which weekly signal opened them, and when their contracts expire."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_legs"
down_revision = "2026_11_26_metrics"

_TRADES = "BacktestTrades"


def upgrade() -> None:
    op.add_column(_TRADES, sa.Column("signal", types.Name(20)))
    op.add_column(_TRADES, sa.Column("expiry", types.Day()))


def downgrade() -> None:
    op.drop_column(_TRADES, "expiry")
    op.drop_column(_TRADES, "signal")
