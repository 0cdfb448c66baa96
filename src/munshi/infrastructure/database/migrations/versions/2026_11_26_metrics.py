"""Sweeps of backtests, and what each of their trials came to."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_metrics"
down_revision = "2026_11_26_validation"

_SWEEPS, _TRIALS = "BacktestSweeps", "BacktestTrials"


def upgrade() -> None:
    op.create_table(
        _SWEEPS,
        sa.Column("sweep_id", types.RowUuid(), nullable=False),
        *_named(100, "strategy", "instrument"),
        *_named(20, "bar_interval"),
        sa.Column("from_date", types.Day(), nullable=False),
        sa.Column("to_date", types.Day(), nullable=False),
        *_named(200, "label"),
        *_named(50, "code_version"),
        *_json("parameters", "assumptions"),
        sa.Column("trial_count", types.Whole(), nullable=False),
        *_named(64, "data_fingerprint"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f(f"pk_{_SWEEPS}")),
        sqlite_strict=True,
    )
    op.create_index(f"ix_{_SWEEPS}_created_at", _SWEEPS, ["created_at"])
    op.create_table(
        _TRIALS,
        sa.Column("sweep_id", types.RowUuid(), nullable=False),
        sa.Column("trial_number", types.Whole(), nullable=False, autoincrement=False),
        *_named(100, "instrument"),
        *_json("parameters", "metrics", "returns"),
        *_named(64, "result_hash"),
        sa.Column("net", types.Whole(), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", "trial_number", name=op.f(f"pk_{_TRIALS}")),
        sa.ForeignKeyConstraint(
            ["sweep_id"],
            [f"{_SWEEPS}.sweep_id"],
            name=op.f(f"fk_{_TRIALS}_sweep_id_{_SWEEPS}"),
            ondelete="CASCADE",
        ),
        sqlite_strict=True,
    )
    op.create_index(f"ix_{_TRIALS}_instrument", _TRIALS, ["instrument"])


def downgrade() -> None:
    for name in (_TRIALS, _SWEEPS):
        op.drop_table(name)


def _named(length: int, *names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, types.Name(length), nullable=False) for name in names]


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, types.Json(), nullable=False) for name in names]
