"""The manifest says how many bars of each day a month has, so that plans open no file."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_fan"
down_revision = "2026_11_26_masters"


def upgrade() -> None:
    op.add_column("CandleFiles", sa.Column("day_bars", types.Prose()))


def downgrade() -> None:
    op.drop_column("CandleFiles", "day_bars")
