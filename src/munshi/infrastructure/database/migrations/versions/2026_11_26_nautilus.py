"""Runs tell what another engine made of the same."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_nautilus"
down_revision = "2026_11_26_lead"

_RUNS = "BacktestRuns"


def upgrade() -> None:
    op.add_column(_RUNS, sa.Column("confirmation", types.Json()))


def downgrade() -> None:
    op.drop_column(_RUNS, "confirmation")
