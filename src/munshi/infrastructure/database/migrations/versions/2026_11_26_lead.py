"""Audits of backtests are kept, and what came of a sweep is told once."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_lead"
down_revision = "2026_11_26_legs"

_AUDITS, _RESULTS = "BacktestAudits", "BacktestSweepResults"


def upgrade() -> None:
    op.create_table(
        _AUDITS,
        sa.Column("audit_id", types.RowUuid(), nullable=False),
        sa.Column("run_id", types.RowUuid(), nullable=False),
        sa.Column("job_id", types.RowUuid()),
        sa.Column("code_version", types.Name(50), nullable=False),
        *_whole("net", "days_cut", "trades_compared"),
        sa.Column("peeks", types.Json(), nullable=False),
        sa.Column("assumptions", types.Json(), nullable=False),
        *_whole("seed", "duration_ms"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f(f"pk_{_AUDITS}")),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["BacktestRuns.run_id"],
            name=op.f(f"fk_{_AUDITS}_run_id_BacktestRuns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["BackgroundJobs.job_id"],
            name=op.f(f"fk_{_AUDITS}_job_id_BackgroundJobs"),
            ondelete="SET NULL",
        ),
        sqlite_strict=True,
    )
    for column in ("run_id", "job_id"):
        op.create_index(f"ix_{_AUDITS}_{column}", _AUDITS, [column])
    op.create_table(
        _RESULTS,
        sa.Column("sweep_id", types.RowUuid(), nullable=False),
        sa.Column("overfitting", types.Real()),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f(f"pk_{_RESULTS}")),
        sa.ForeignKeyConstraint(
            ["sweep_id"],
            ["BacktestSweeps.sweep_id"],
            name=op.f(f"fk_{_RESULTS}_sweep_id_BacktestSweeps"),
            ondelete="CASCADE",
        ),
        sqlite_strict=True,
    )


def downgrade() -> None:
    for name in (_RESULTS, _AUDITS):
        op.drop_table(name)


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, types.Whole(), nullable=False) for name in names]
