"""What a model validation is told; all but the backtest's id has a default."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Self
from uuid import UUID

from munshi.errors import JobParametersInvalidError

LOGISTIC = "logistic"
HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
LIGHTGBM = "lightgbm"
MODELS = (LOGISTIC, HIST_GRADIENT_BOOSTING, LIGHTGBM)
WALK_FORWARD = "walk_forward"
ENTRY = "entry:"
ALL_SIGNALS = "all"
_OWN_FILE = ".py:"
_LONGEST = 50  # what the columns hold
_NEEDED = "run_id"
_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "model_type": LOGISTIC,
        "signal_type": ALL_SIGNALS,
        "from": None,
        "to": None,
        "splits": WALK_FORWARD,
        "folds": 10,
        "purged_folds": 10,
        "threshold": 0.5,
        "seed": 0,
        "features": None,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationParams:
    """`run_id` is a backtest's; its trades decided from `start` to `end` (IST) are the samples.

    A trade is taken where the model gives it a probability of `threshold` or more. `features`
    names a function of the user's own, None the packaged ones.
    """

    run_id: UUID
    model_type: str = LOGISTIC
    signal_type: str = ALL_SIGNALS
    start: date | None = None
    end: date | None = None
    folds: int = 10
    purged_folds: int = 10
    threshold: float = 0.5
    seed: int = 0
    features: str | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Read the fields of the class, `from`, `to` and `splits`.

        Raises JobParametersInvalidError.
        """
        hint = f"The parameters are {', '.join((_NEEDED, *_DEFAULTS))}."
        if _NEEDED not in raw:
            raise JobParametersInvalidError(f"Not given: {_NEEDED}.", hint=hint)
        if unknown := sorted(set(raw) - {_NEEDED, *_DEFAULTS}):
            raise JobParametersInvalidError(f"Not known here: {', '.join(unknown)}.", hint=hint)
        given = {**_DEFAULTS, **raw}
        check_splits(given["splits"])
        start, end = _day(given, "from"), _day(given, "to")
        if start and end and end < start:
            raise JobParametersInvalidError(f"The range ends on {end}, before it starts: {start}.")
        features = given["features"]
        return cls(
            run_id=_run_id(given[_NEEDED]),
            model_type=_model(given["model_type"]),
            signal_type=_word(given, "signal_type"),
            start=start,
            end=end,
            folds=_whole(given, "folds", least=3, most=50),
            purged_folds=_whole(given, "purged_folds", least=3, most=12),
            threshold=_share(given["threshold"]),
            seed=_whole(given, "seed", least=0, most=2**31 - 1),
            features=None if features is None else _own("features", features),
        )

    def to_json(self) -> dict[str, object]:
        return {
            "run_id": str(self.run_id),
            "model_type": self.model_type,
            "signal_type": self.signal_type,
            "from": None if self.start is None else self.start.isoformat(),
            "to": None if self.end is None else self.end.isoformat(),
            "splits": WALK_FORWARD,
            "folds": self.folds,
            "purged_folds": self.purged_folds,
            "threshold": self.threshold,
            "seed": self.seed,
            "features": self.features,
        }


def check_splits(asked: object) -> None:
    """Raise JobParametersInvalidError for any way to split but walking forward."""
    if asked != WALK_FORWARD:
        raise JobParametersInvalidError(
            f"Splits of the kind {asked!r} are refused.",
            hint="Trades near each other share the same prices, so that a shuffled split learns "
            "from the future and from the very moves it is judged by. There is walk_forward; "
            "combinatorial purged splits always give the spread beside it.",
        )


def _run_id(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise JobParametersInvalidError(
            f"run_id must be the id of a backtest, not {value!r}.",
            hint="See them: munshi backtest list",
        ) from error


def _model(value: object) -> str:
    if value in MODELS:
        return str(value)
    try:
        return _own("model_type", value)
    except JobParametersInvalidError as error:
        raise JobParametersInvalidError(
            f"There is no model {value!r}.",
            hint=f"There are {', '.join(MODELS)}, your own as FILE.py:NAME in the folder `models` "
            "of the home, and entry:NAME of an installed package.",
        ) from error


def _own(name: str, value: object) -> str:
    text = str(value)
    is_file = _OWN_FILE in text and all(text.split(":"))
    if not is_file and not (text.startswith(ENTRY) and text != ENTRY):
        raise JobParametersInvalidError(
            f"{name} must be FILE.py:NAME or entry:NAME, not {value!r}.",
        )
    if len(text) > _LONGEST:
        raise JobParametersInvalidError(f"{name} may have {_LONGEST} characters, not {len(text)}.")
    return text


def _word(given: Mapping[str, object], name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise JobParametersInvalidError(
            f"{name} must be a word of at most {_LONGEST} characters, not {value!r}."
        )
    return value


def _day(given: Mapping[str, object], name: str) -> date | None:
    if given[name] is None:
        return None
    try:
        return date.fromisoformat(str(given[name]))
    except ValueError as error:
        raise JobParametersInvalidError(
            f"{name} must be a date like 2026-11-20, not {given[name]!r}."
        ) from error


def _whole(given: Mapping[str, object], name: str, *, least: int, most: int) -> int:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise JobParametersInvalidError(
            f"{name} must be a whole number from {least} to {most}, not {value!r}."
        )
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise JobParametersInvalidError(
            f"threshold must be a probability between 0 and 1, not {value!r}."
        )
    return float(value)
