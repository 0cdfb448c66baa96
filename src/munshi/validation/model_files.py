"""Models as files: in skops format, opened only if every type in them is on our list."""

from typing import Any

import skops.io

from munshi.errors import ModelFileRefusedError

NAME = "model.skops"
MEDIA_TYPE = "application/zip"
# Beyond what skops itself trusts. What is opened runs code of these types, so this list is never
# a setting, and never read from the file.
TRUSTED = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)


def pack_model(model: Any) -> bytes:  # noqa: ANN401
    """Raises ModelFileRefusedError for a model that could not be opened again."""
    try:
        data: bytes = skops.io.dumps(model)
    except Exception as error:
        raise ModelFileRefusedError(
            f"It cannot be kept as a file: {type(error).__name__}: {error}"[:300]
        ) from error
    _check_types(data)
    return data


def open_model(data: bytes) -> Any:  # noqa: ANN401
    """Whoever calls has compared the file's hash. Raises ModelFileRefusedError."""
    _check_types(data)
    try:
        return skops.io.loads(data, trusted=list(TRUSTED))
    except Exception as error:
        raise ModelFileRefusedError(
            f"The model's file cannot be opened: {type(error).__name__}."
        ) from error


def _check_types(data: bytes) -> None:
    try:
        asked = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED)
    except Exception as error:
        raise ModelFileRefusedError(
            f"The model's file cannot be read: {type(error).__name__}."
        ) from error
    if asked:
        raise ModelFileRefusedError(
            f"The model holds {', '.join(sorted(asked)[:3])}, which is not trusted.",
        )
