"""Backtests: runs, their trades, and the legs of these with every charge."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_backtest"
down_revision = "2026_11_26_collecting"

_RUNS, _TRADES, _LEGS = "BacktestRuns", "BacktestTrades", "BacktestLegs"
_JOBS = "BackgroundJobs"


def upgrade() -> None:
    op.create_table(
        _RUNS,
        sa.Column("run_id", types.RowUuid(), nullable=False),
        sa.Column("job_id", types.RowUuid()),
        *_named(100, "strategy", "instrument"),
        *_named(20, "bar_interval"),
        sa.Column("from_date", types.Day(), nullable=False),
        sa.Column("to_date", types.Day(), nullable=False),
        *_named(200, "label"),
        *_named(50, "engine", "engine_version", "code_version"),
        *(
            sa.Column(name, types.Json(), nullable=False)
            for name in ("parameters", "coverage", "assumptions", "metrics")
        ),
        *_named(64, "data_fingerprint", "result_hash"),
        *_whole("net", "duration_ms"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f(f"pk_{_RUNS}")),
        sa.ForeignKeyConstraint(
            ["job_id"],
            [f"{_JOBS}.job_id"],
            name=op.f(f"fk_{_RUNS}_job_id_{_JOBS}"),
            ondelete="SET NULL",
        ),
        sqlite_strict=True,
    )
    op.create_index(f"ix_{_RUNS}_job_id", _RUNS, ["job_id"])
    op.create_index(f"ix_{_RUNS}_created_at", _RUNS, ["created_at"])
    op.create_table(
        _TRADES,
        sa.Column("run_id", types.RowUuid(), nullable=False),
        sa.Column("trade_number", types.Whole(), nullable=False, autoincrement=False),
        sa.Column("decided_at", types.Instant(), nullable=False),
        *_named(20, "outcome"),
        *_whole("mark", "gross", "costs", "net"),
        sa.PrimaryKeyConstraint("run_id", "trade_number", name=op.f(f"pk_{_TRADES}")),
        _of_run(_TRADES),
        sqlite_strict=True,
    )
    op.create_table(
        _LEGS,
        sa.Column("run_id", types.RowUuid(), nullable=False),
        sa.Column("trade_number", types.Whole(), nullable=False, autoincrement=False),
        sa.Column("leg_number", types.Whole(), nullable=False, autoincrement=False),
        *_named(100, "instrument"),
        *_named(10, "side"),
        *_whole("quantity", "quoted", "price"),
        sa.Column("filled_at", types.Instant(), nullable=False),
        *_whole("brokerage", "stt", "transaction_fee", "sebi", "stamp", "gst", "exercise_stt"),
        sa.PrimaryKeyConstraint("run_id", "trade_number", "leg_number", name=op.f(f"pk_{_LEGS}")),
        _of_run(_LEGS),
        sqlite_strict=True,
    )


def downgrade() -> None:
    for name in (_LEGS, _TRADES, _RUNS):
        op.drop_table(name)


def _named(length: int, *names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, types.Name(length), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, types.Whole(), nullable=False) for name in names]


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"],
        [f"{_RUNS}.run_id"],
        name=op.f(f"fk_{table}_run_id_{_RUNS}"),
        ondelete="CASCADE",
    )
