"""The models by name, each as a scikit-learn estimator that has not learnt anything yet."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from munshi.domain.validation.params import (
    HIST_GRADIENT_BOOSTING,
    LIGHTGBM,
    LOGISTIC,
)
from munshi.errors import JobExtraMissingError, ModelFailedError
from munshi.validation.own_code import load_own

# Few samples are normal: shallow, slow to learn, and never a leaf of a handful.
_TREES, _LEAVES, _LEAST_IN_LEAF, _PACE = 60, 8, 20, 0.05

# Its wheel leaves OpenMP to the system, and a slim Debian or a bare macOS has none.
_OPENMP = "On Debian or Ubuntu: apt-get install libgomp1. On macOS: brew install libomp"


def make_estimator(model_type: str, *, seed: int, folder: Path) -> tuple[Any, str | None]:
    """An unfitted estimator, and what pins the user's own code, None for a packaged one.

    Raises JobExtraMissingError where LightGBM is not there or cannot be loaded,
    ModelUnknownError, ModelFailedError.
    """
    if model_type == LOGISTIC:
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)), None
    if model_type == HIST_GRADIENT_BOOSTING:
        return HistGradientBoostingClassifier(
            max_iter=_TREES,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=_LEAST_IN_LEAF,
            learning_rate=_PACE,
            early_stopping=False,
            random_state=seed,
        ), None
    if model_type == LIGHTGBM:
        return _lightgbm(seed), None
    return _own(model_type, seed=seed, folder=folder)


def _lightgbm(seed: int) -> Any:  # noqa: ANN401 - the library has no types
    if find_spec(LIGHTGBM) is None:
        raise JobExtraMissingError(
            "This model needs lightgbm, which is not installed: pip install 'munshi[research]'"
        )
    try:
        # It takes 2 s to import: only who asks for it pays.
        lightgbm = importlib.import_module(LIGHTGBM)
    except OSError as error:
        raise JobExtraMissingError(
            f"lightgbm is installed, but a library of the system that it needs is not: {error}",
            hint=_OPENMP,
        ) from error
    return lightgbm.LGBMClassifier(
        n_estimators=_TREES,
        num_leaves=_LEAVES,
        min_child_samples=_LEAST_IN_LEAF,
        learning_rate=_PACE,
        random_state=seed,
        n_jobs=1,
        deterministic=True,
        verbose=-1,
    )


def _own(model_type: str, *, seed: int, folder: Path) -> tuple[Any, str]:
    make, pinned = load_own(model_type, folder=folder)
    try:
        estimator = clone(make())
        # Also of the steps inside, as `forest__random_state` of a pipeline.
        seeded = [name for name in estimator.get_params() if name.endswith("random_state")]
        estimator.set_params(**dict.fromkeys(seeded, seed))
    except (Exception, SystemExit) as error:
        raise ModelFailedError(f"{model_type}: {type(error).__name__}: {error}") from error
    if not hasattr(estimator, "predict_proba"):
        raise ModelFailedError(
            f"{model_type} has no predict_proba: a validation needs probabilities.",
            hint="Wrap it: sklearn.calibration.CalibratedClassifierCV",
        )
    return estimator, pinned
