"""Sweeps, their trials and what came of them: stored once and never changed. Money is in paise."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Day, Instant, Json, Name, Real, RowUuid, Whole

backtest_sweeps = table(
    "BacktestSweeps",
    Column("sweep_id", RowUuid, primary_key=True),
    Column("strategy", Name(100), nullable=False),
    Column("instrument", Name(100), nullable=False),
    Column("bar_interval", Name(20), nullable=False),
    Column("from_date", Day, nullable=False),
    Column("to_date", Day, nullable=False),
    Column("label", Name(200), nullable=False),
    Column("code_version", Name(50), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("assumptions", Json, nullable=False),
    Column("trial_count", Whole, nullable=False),
    Column("data_fingerprint", Name(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_BacktestSweeps_created_at", "created_at"),
)

backtest_sweep_results = table(
    "BacktestSweepResults",
    Column(
        "sweep_id",
        RowUuid,
        ForeignKey("BacktestSweeps.sweep_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("overfitting", Real),
    Column("created_at", Instant, nullable=False),
)

backtest_trials = table(
    "BacktestTrials",
    Column(
        "sweep_id",
        RowUuid,
        ForeignKey("BacktestSweeps.sweep_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("trial_number", Whole, primary_key=True, autoincrement=False),
    Column("instrument", Name(100), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("returns", Json, nullable=False),
    Column("result_hash", Name(64), nullable=False),
    Column("net", Whole, nullable=False),
    Index("ix_BacktestTrials_instrument", "instrument"),
)
