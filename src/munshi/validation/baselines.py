"""What a model is held against: the majority, taking every trade, and the model before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from munshi.domain.validation.params import ValidationParams
from munshi.domain.validation.runs import Scores, ValidationRun
from munshi.domain.validation.samples import Sample
from munshi.errors import ModelFailedError, ModelFileRefusedError
from munshi.validation.intervals import differences
from munshi.validation.learning import Floats, predict
from munshi.validation.measures import (
    Judged,
    Table,
    Weights,
    draw_weights,
    score,
    score_draws,
)
from munshi.validation.model_files import open_model
from munshi.validation.service import ValidationService

_LEAST_SHARED = 20
_RANKS = frozenset({"roc_auc", "pr_auc"})
# Of a rule that gives no probabilities these say nothing.
_OF_PROBABILITIES = _RANKS | {"brier", "log_loss", "calibration_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The model's out-of-sample results, and what its baselines need of the same samples."""

    judged: Judged
    base: Floats
    samples: Sequence[Sample]
    x: Floats
    scores: Scores
    draws: Table
    weights: Weights
    block: int
    params: ValidationParams
    names: tuple[str, ...]


def compare(
    ours: Compared, previous: ValidationRun | None, *, service: ValidationService
) -> dict[str, Any]:
    """Each baseline's scores, and by how much the model's are above, with intervals."""
    judged = ours.judged
    majority = Judged(y=judged.y, net=judged.net, p=ours.base)
    always = Judged(y=judged.y, net=judged.net, p=np.ones(len(judged.y)))
    return {
        # Its shares grow from fold to fold, which would rank trades by when they were made.
        "majority": _held_against(ours, majority, leave_out=_RANKS),
        "always": _held_against(ours, always, leave_out=_OF_PROBABILITIES),
        "previous": _previous(ours, previous, service),
    }


def _held_against(ours: Compared, other: Judged, *, leave_out: frozenset[str]) -> dict[str, Any]:
    threshold = ours.params.threshold
    scores = score(other, threshold=threshold)
    draws = score_draws(other, ours.weights, threshold=threshold)
    scores = {name: value for name, value in scores.items() if name not in leave_out}
    return {
        "scores": scores,
        "model_minus_baseline": differences(
            ours.scores,
            scores,
            draws=(ours.draws, draws),
            taken=min(ours.judged.taken(threshold), other.taken(threshold)),
            blocks=len(other.y) / ours.block,
        ),
    }


def _previous(
    ours: Compared, previous: ValidationRun | None, service: ValidationService
) -> dict[str, Any]:
    """The earlier model's own out-of-sample words, and its file's for what came after it."""
    if previous is None:
        return {"absent": "there is no earlier validation of this strategy, instrument and signal"}
    found, note = _words_of(previous, ours, service)
    kept = np.array([sample.decided_at.isoformat() in found for sample in ours.samples])
    told = {
        "validation_id": str(previous.validation_id),
        "model_type": previous.model_type,
        **({"note": note} if note else {}),
    }
    if kept.sum() < _LEAST_SHARED:
        return told | {
            "absent": f"it judged {kept.sum()} of these samples unseen; the least is "
            f"{_LEAST_SHARED}"
        }
    mine = ours.judged.among(kept)
    stamps = [sample.decided_at.isoformat() for sample in ours.samples]
    words = np.array([found[stamp] for stamp in stamps if stamp in found])
    block = max(min(ours.block, int(kept.sum()) // 6), 1)
    weights = draw_weights(len(mine.y), block=block, seed=ours.params.seed)
    shared = replace(
        ours,
        judged=mine,
        base=ours.base[kept],
        scores=score(mine, threshold=ours.params.threshold),
        draws=score_draws(mine, weights, threshold=ours.params.threshold),
        weights=weights,
        block=block,
    )
    theirs = Judged(y=mine.y, net=mine.net, p=words)
    held = _held_against(shared, theirs, leave_out=frozenset())
    return told | {"samples": int(kept.sum()), **held}


def _words_of(
    previous: ValidationRun, ours: Compared, service: ValidationService
) -> tuple[dict[str, float], str | None]:
    found = {str(at): float(p) for at, p, _ in previous.predictions}
    later = [
        place
        for place, sample in enumerate(ours.samples)
        if sample.decided_at >= previous.trained_until
    ]
    if not later:
        return found, None
    if list(previous.feature_names) != list(ours.names):
        return found, "it goes by other features, and was not asked about later trades"
    try:
        model = open_model(service.model_file(previous))
        words = predict(model, ours.x[later])
    except (ModelFileRefusedError, ModelFailedError) as error:
        return found, error.detail
    found |= {
        ours.samples[place].decided_at.isoformat(): float(word)
        for place, word in zip(later, words, strict=True)
    }
    return found, None
