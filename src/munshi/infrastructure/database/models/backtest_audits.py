"""Audits of backtests: each stored once and never changed. Money is in paise."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import Instant, Json, Name, RowUuid, Whole

backtest_audits = table(
    "BacktestAudits",
    Column("audit_id", RowUuid, primary_key=True),
    Column(
        "run_id", RowUuid, ForeignKey("BacktestRuns.run_id", ondelete="CASCADE"), nullable=False
    ),
    Column("job_id", RowUuid, ForeignKey("BackgroundJobs.job_id", ondelete="SET NULL")),
    Column("code_version", Name(50), nullable=False),
    Column("net", Whole, nullable=False),
    Column("days_cut", Whole, nullable=False),
    Column("trades_compared", Whole, nullable=False),
    Column("peeks", Json, nullable=False),
    Column("assumptions", Json, nullable=False),
    Column("seed", Whole, nullable=False),
    Column("duration_ms", Whole, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_BacktestAudits_run_id", "run_id"),
    Index("ix_BacktestAudits_job_id", "job_id"),
)
