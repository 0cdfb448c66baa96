"""A stored validation made up for tests."""

from datetime import UTC, date, datetime
from uuid import uuid4

from munshi.domain.validation.curves import reliability
from munshi.domain.validation.runs import COMPLETED, ValidationRun
from munshi.domain.validation.verdicts import Verdict

AT = datetime(2026, 11, 20, 4, 15, tzinfo=UTC)
_SCORES = ("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "brier", "log_loss")


def made_validation(*, signal_type: str = "all", trial_key: str = "t" * 64) -> ValidationRun:
    return ValidationRun(
        validation_id=uuid4(),
        job_id=None,
        backtest_run_id=uuid4(),
        model_type="logistic",
        signal_type=signal_type,
        status=COMPLETED,
        instrument="NSE:INFY",
        bar_interval="1minute",
        from_date=date(2024, 6, 10),
        to_date=date(2024, 6, 11),
        verdict=Verdict.NO_EDGE.value,
        reason="AUC 0.500, 0.400 to 0.600: chance (0.5) is in it, 0.65 is not.",
        accuracy=0.5,
        precision_score=None,
        recall_score=0.0,
        f1_score=0.0,
        roc_auc=0.5,
        pr_auc=0.5,
        brier_score=0.25,
        log_loss=0.7,
        calibration_error=0.1,
        expectancy=-12.5,
        deflated_sharpe=None,
        threshold=0.5,
        train_samples=3,
        test_samples=2,
        confusion={
            "true_positives": 1,
            "false_positives": 0,
            "true_negatives": 1,
            "false_negatives": 0,
        },
        folds=[
            {
                "from": AT.isoformat(),
                "to": AT.isoformat(),
                "train_samples": 3,
                "test_samples": 2,
                "purged": 1,
                "roc_auc": 0.5,
                "brier": 0.25,
            }
        ],
        spread={"splits": [0.4, 0.6], "paths": [0.5], "low": 0.5, "median": 0.5, "high": 0.5},
        confidence_intervals={name: {"low": 0.25, "high": 0.75} for name in _SCORES},
        baseline={"previous": {"absent": "there is no earlier validation"}},
        importance=[{"feature": "<b>move</b>", "auc_lost": 0.01, "deviation": 0.002}],
        reliability=[
            {name: getattr(each, name) for name in each.__slots__}
            for each in reliability([0.25, 0.75], [False, True])
        ],
        predictions=[[AT.isoformat(), 0.25, 0], [AT.isoformat(), 0.75, 1]],
        assumptions=["Bars: <i>made up</i>."],
        parameters={"seed": 0},
        versions={"python": "3.11"},
        seed=0,
        trials=1,
        trial_key=trial_key,
        data_fingerprint="d" * 64,
        feature_fingerprint="f" * 64,
        feature_names=["<b>move</b>"],
        model_artifact=None,
        model_sha256=None,
        trained_until=AT,
        result_hash="a" * 64,
        duration_ms=7,
        created_at=AT,
        completed_at=AT,
    )
