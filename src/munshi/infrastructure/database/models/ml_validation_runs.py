"""MLValidationRuns: what a model validation measured."""

from sqlalchemy import Column, ForeignKey, Index

from munshi.infrastructure.database.models.base import table
from munshi.infrastructure.database.types import (
    Day,
    Instant,
    Json,
    Name,
    Prose,
    Real,
    RowUuid,
    Whole,
)

ml_validation_runs = table(
    "MLValidationRuns",
    Column("validation_id", RowUuid, primary_key=True),
    Column("job_id", RowUuid, ForeignKey("BackgroundJobs.job_id", ondelete="SET NULL")),
    Column("model_type", Name(50), nullable=False),
    Column("signal_type", Name(50), nullable=False),
    Column("status", Name(20), nullable=False),
    Column("from_date", Day, nullable=False),
    Column("to_date", Day, nullable=False),
    Column("accuracy", Real),
    Column("precision_score", Real),
    Column("recall_score", Real),
    Column("f1_score", Real),
    Column("roc_auc", Real),
    Column("brier_score", Real),
    Column("train_samples", Whole),
    Column("test_samples", Whole),
    Column("baseline", Json),
    Column("confidence_intervals", Json),
    Column("parameters", Json, nullable=False),
    Column("data_fingerprint", Name(64)),
    Column("error_details", Prose),
    Column("created_at", Instant, nullable=False),
    Column("completed_at", Instant),
    Index("ix_MLValidationRuns_model_type_signal_type", "model_type", "signal_type", "created_at"),
    Index("ix_MLValidationRuns_job_id", "job_id"),
)
