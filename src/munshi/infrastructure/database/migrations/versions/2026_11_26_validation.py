"""Model validations: what each measured, in full."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_validation"
down_revision = "2026_11_26_alerting"

_RUNS = "MLValidationRuns"
_ADDED: dict[str, sa.types.TypeEngine[Any]] = {
    "backtest_run_id": types.RowUuid(),
    "instrument": types.Name(100),
    "bar_interval": types.Name(20),
    "verdict": types.Name(40),
    "reason": types.Prose(),
    **dict.fromkeys(("pr_auc", "log_loss", "calibration_error", "expectancy"), types.Real()),
    **dict.fromkeys(("deflated_sharpe", "threshold"), types.Real()),
    **dict.fromkeys(("confusion", "folds", "spread", "importance"), types.Json()),
    **dict.fromkeys(("reliability", "predictions", "assumptions", "versions"), types.Json()),
    "feature_names": types.Json(),
    **dict.fromkeys(("seed", "trials", "duration_ms"), types.Whole()),
    **dict.fromkeys(("trial_key", "feature_fingerprint", "result_hash"), types.Name(64)),
    "model_artifact": types.Name(100),
    "model_sha256": types.Name(64),
    "trained_until": types.Instant(),
}


def upgrade() -> None:
    for name, kind in _ADDED.items():
        op.add_column(_RUNS, sa.Column(name, kind))


def downgrade() -> None:
    for name in reversed(_ADDED):
        op.drop_column(_RUNS, name)
