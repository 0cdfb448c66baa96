"""Backtests that were run: each stored once, whole, and never changed. Money is in paise."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import (
    Day,
    Instant,
    Json,
    Name,
    RowUuid,
    Whole,
)

backtest_runs = table(
    "BacktestRuns",
    Column("run_id", RowUuid, primary_key=True),
    Column("job_id", RowUuid, ForeignKey("BackgroundJobs.job_id", ondelete="SET NULL")),
    Column("strategy", Name(100), nullable=False),
    Column("instrument", Name(100), nullable=False),
    Column("bar_interval", Name(20), nullable=False),
    Column("from_date", Day, nullable=False),
    Column("to_date", Day, nullable=False),
    Column("label", Name(200), nullable=False),
    Column("engine", Name(50), nullable=False),
    Column("engine_version", Name(50), nullable=False),
    Column("code_version", Name(50), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("coverage", Json, nullable=False),
    Column("assumptions", Json, nullable=False),
    Column("metrics", Json, nullable=False),
    Column("data_fingerprint", Name(64), nullable=False),
    Column("result_hash", Name(64), nullable=False),
    Column("net", Whole, nullable=False),
    Column("duration_ms", Whole, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("confirmation", Json),
    Index("ix_BacktestRuns_job_id", "job_id"),
    Index("ix_BacktestRuns_created_at", "created_at"),
)

backtest_trades = table(
    "BacktestTrades",
    Column(
        "run_id", RowUuid, ForeignKey("BacktestRuns.run_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("trade_number", Whole, primary_key=True, autoincrement=False),
    Column("decided_at", Instant, nullable=False),
    Column("outcome", Name(20), nullable=False),
    Column("mark", Whole, nullable=False),
    Column("gross", Whole, nullable=False),
    Column("costs", Whole, nullable=False),
    Column("net", Whole, nullable=False),
    Column("signal", Name(20)),
    Column("expiry", Day),
)

backtest_legs = table(
    "BacktestLegs",
    Column(
        "run_id", RowUuid, ForeignKey("BacktestRuns.run_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("trade_number", Whole, primary_key=True, autoincrement=False),
    Column("leg_number", Whole, primary_key=True, autoincrement=False),
    Column("instrument", Name(100), nullable=False),
    Column("side", Name(10), nullable=False),
    Column("quantity", Whole, nullable=False),
    Column("quoted", Whole, nullable=False),
    Column("price", Whole, nullable=False),
    Column("filled_at", Instant, nullable=False),
    Column("brokerage", Whole, nullable=False),
    Column("stt", Whole, nullable=False),
    Column("transaction_fee", Whole, nullable=False),
    Column("sebi", Whole, nullable=False),
    Column("stamp", Whole, nullable=False),
    Column("gst", Whole, nullable=False),
    Column("exercise_stt", Whole, nullable=False),
)
