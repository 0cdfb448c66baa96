"""A stored model validation, as its row has it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What 95 of 100 redrawn samples lie between."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationFilter:
    """Which of the stored validations are listed; an empty word is any."""

    model_type: str = ""
    signal_type: str = ""
    instrument: str = ""
    verdict: str = ""


ALL = ValidationFilter()
Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRun:
    """What was measured out of sample, walking forward, on the trades of one backtest.

    Money is in paise a trade. A score that a result cannot have (no trade taken, one class only)
    is None. `result_hash` is the same for the same code, parameters, data and earlier tries.
    """

    validation_id: UUID
    job_id: UUID | None
    backtest_run_id: UUID
    model_type: str
    signal_type: str
    status: str
    instrument: str
    bar_interval: str
    from_date: date
    to_date: date
    verdict: str
    reason: str
    accuracy: float | None
    precision_score: float | None
    recall_score: float | None
    f1_score: float | None
    roc_auc: float | None
    pr_auc: float | None
    brier_score: float | None
    log_loss: float | None
    calibration_error: float | None
    expectancy: float | None
    deflated_sharpe: float | None
    threshold: float
    train_samples: int
    test_samples: int
    confusion: Mapping[str, int]
    folds: Sequence[Mapping[str, Any]]
    spread: Mapping[str, Any]
    confidence_intervals: Mapping[str, Any]
    baseline: Mapping[str, Any]
    importance: Sequence[Mapping[str, Any]]
    reliability: Sequence[Mapping[str, Any]]
    predictions: Sequence[Sequence[Any]]
    assumptions: Sequence[str]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    seed: int
    trials: int
    trial_key: str
    data_fingerprint: str
    feature_fingerprint: str
    feature_names: Sequence[str]
    model_artifact: str | None
    model_sha256: str | None
    trained_until: datetime
    result_hash: str
    duration_ms: int
    created_at: datetime
    completed_at: datetime


_NOT_RESULTS = (
    *("validation_id", "job_id", "result_hash", "duration_ms", "created_at", "completed_at"),
    # The file of the same model has other bytes each time: skops numbers what is in it anew.
    *("model_artifact", "model_sha256"),
)


def result_hash(fields: Mapping[str, Any]) -> str:
    """The SHA-256 of all fields but ids, times, duration and the model's file."""
    kept = {name: value for name, value in fields.items() if name not in _NOT_RESULTS}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
