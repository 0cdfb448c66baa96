"""One validation from a backtest's trades to a stored row."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import numpy as np

from munshi.domain.validation.curves import reliability
from munshi.domain.validation.features import FeatureTable, tabulate
from munshi.domain.validation.params import LIGHTGBM, ValidationParams
from munshi.domain.validation.runs import COMPLETED, ValidationRun, result_hash
from munshi.domain.validation.samples import Sample, check_enough, most_open_at_once
from munshi.domain.validation.verdicts import CONFIDENCE
from munshi.errors import ModelFileRefusedError
from munshi.jobs.run import JobRun
from munshi.validation.baselines import Compared, compare
from munshi.validation.estimators import make_estimator
from munshi.validation.headline import measure_headline
from munshi.validation.learning import Learner, Purged, Walked
from munshi.validation.measures import DRAWS, Judged, score
from munshi.validation.model_files import MEDIA_TYPE, NAME, pack_model
from munshi.validation.own_code import load_own
from munshi.validation.service import Material, ValidationService

_LIBRARIES = ("munshi", "numpy", "scikit-learn", "skfolio", "skops")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What is learnt from: samples that have features, in the order of time."""

    material: Material
    samples: list[Sample]
    table: FeatureTable
    left_out: dict[str, int]
    x: np.ndarray[Any, np.dtype[np.float64]]
    y: np.ndarray[Any, np.dtype[np.float64]]
    net: np.ndarray[Any, np.dtype[np.float64]]
    pins: dict[str, str]


class Validating:
    """Used once. Nothing is stored before all is measured."""

    def __init__(self, service: ValidationService, params: ValidationParams, run: JobRun) -> None:
        self._service = service
        self._params = params
        self._run = run

    def run(self) -> ValidationRun:
        """Raises what `gather`, the features, the model and `progress` raise."""
        params, clock = self._params, self._service.clock
        began, created_at = clock.monotonic(), clock.now()
        self._run.progress(0, "Reading the trades and the bars.")
        ground, learner = self._prepare()
        walked = learner.walk(folds=params.folds, progress=self._told(10, 25, "Walking forward."))
        purged = learner.purged(
            folds=params.purged_folds, progress=self._told(25, 75, "Learning from purged splits.")
        )
        self._run.progress(75, "Measuring.")
        importance = learner.importance(walked, seed=params.seed)
        fields = self._measured(ground, walked, purged)
        fields["importance"] = _ranked(ground.table.names, importance)
        self._run.progress(95, "Keeping the result.")
        fields |= self._kept(learner, ground)
        stored = ValidationRun(
            **fields,
            validation_id=uuid4(),
            job_id=self._run.job_id,
            status=COMPLETED,
            result_hash=result_hash(fields),
            duration_ms=round((clock.monotonic() - began) * 1000),
            created_at=created_at,
            completed_at=clock.now(),
        )
        self._service.save(stored, job_id=self._run.job_id, attempt=self._run.attempt)
        return stored

    def _prepare(self) -> tuple[_Ground, Learner]:
        params = self._params
        estimator, model_pin = make_estimator(
            params.model_type, seed=params.seed, folder=self._service.own_folder
        )
        maker, maker_pin = None, None
        if params.features is not None:
            maker, maker_pin = load_own(params.features, folder=self._service.own_folder)
        material = self._service.gather(params)
        table = tabulate(
            material.samples,
            material.bars,
            span=material.span,
            maker=maker,
            progress=self._told(2, 10, "Working out features, and each again without the future."),
        )
        left_out = dict(material.picked.left_out)
        if early := len(material.samples) - len(table.places):
            left_out["without enough bars before it"] = early
        samples = [material.samples[place] for place in table.places]
        check_enough(samples, left_out=left_out)
        ground = _Ground(
            material=material,
            samples=samples,
            table=table,
            left_out=left_out,
            x=np.array(table.rows),
            y=np.array([float(sample.made_money) for sample in samples]),
            net=np.array([float(sample.net) for sample in samples]),
            pins={
                name: pin
                for name, pin in (("model", model_pin), ("features", maker_pin))
                if pin is not None
            },
        )
        is_own = model_pin is not None
        return ground, Learner(estimator, ground.x, ground.y, samples, is_own=is_own)

    def _measured(self, ground: _Ground, walked: Walked, purged: Purged) -> dict[str, Any]:
        params, backtest = self._params, ground.material.backtest
        judged = Judged(
            y=ground.y[walked.places],
            net=ground.net[walked.places],
            p=walked.probabilities,
        )
        headline = measure_headline(
            judged,
            open_at_once=most_open_at_once(ground.samples),
            threshold=params.threshold,
            seed=params.seed,
        )
        scores, block = headline.scores, headline.block
        data = ground.material.fingerprint()
        trial_key = self._trial_key(ground, data)
        trials = self._service.trials(backtest, trial_key=trial_key)
        verdict, reason = headline.verdict(paths=purged.paths, trials=trials)
        compared = Compared(
            judged=judged,
            base=walked.base,
            samples=[ground.samples[place] for place in walked.places],
            x=ground.x[walked.places],
            scores=scores,
            draws=headline.draws,
            weights=headline.weights,
            block=block,
            params=params,
            names=ground.table.names,
        )
        previous = self._service.previous(
            backtest, signal_type=params.signal_type, trial_key=trial_key
        )
        return {
            "backtest_run_id": backtest.run_id,
            "model_type": params.model_type,
            "signal_type": params.signal_type,
            "instrument": backtest.instrument,
            "bar_interval": backtest.bar_interval,
            "from_date": params.start or backtest.from_date,
            "to_date": params.end or backtest.to_date,
            "verdict": verdict.value,
            "reason": reason,
            "accuracy": scores["accuracy"],
            "precision_score": scores["precision"],
            "recall_score": scores["recall"],
            "f1_score": scores["f1"],
            "roc_auc": scores["roc_auc"],
            "pr_auc": scores["pr_auc"],
            "brier_score": scores["brier"],
            "log_loss": scores["log_loss"],
            "calibration_error": scores["calibration_error"],
            "expectancy": scores["expectancy"],
            "deflated_sharpe": headline.deflated_sharpe(trials=trials),
            "threshold": params.threshold,
            "train_samples": len(walked.folds[-1].train),
            "test_samples": len(judged.y),
            "confusion": _confusion(judged, params.threshold),
            "folds": _fold_documents(ground, walked, params.threshold),
            "spread": _spread(purged),
            "confidence_intervals": {
                "level": CONFIDENCE,
                "draws": DRAWS,
                "block": block,
                **{
                    name: asdict(found) if found else None
                    for name, found in headline.intervals.items()
                },
            },
            "baseline": compare(compared, previous, service=self._service),
            "reliability": [
                asdict(each) for each in reliability(judged.p.tolist(), (judged.y > 0).tolist())
            ],
            "predictions": [
                [ground.samples[place].decided_at.isoformat(), float(p), int(ground.y[place])]
                for place, p in zip(walked.places, walked.probabilities, strict=True)
            ],
            "assumptions": _assumptions(ground, walked, purged),
            "parameters": params.to_json() | ground.pins,
            "versions": _versions(params),
            "seed": params.seed,
            "trials": trials,
            "trial_key": trial_key,
            "data_fingerprint": data,
            "feature_fingerprint": ground.table.fingerprint(),
            "feature_names": list(ground.table.names),
            "trained_until": max(sample.ends_at for sample in ground.samples),
        }

    def _kept(self, learner: Learner, ground: _Ground) -> dict[str, Any]:
        """A model that has learnt from all samples, as a file of the job."""
        try:
            data = pack_model(learner.fit(range(len(ground.samples))))
        except ModelFileRefusedError as error:
            self._run.log("model_not_kept", reason=error.detail)
            return {"model_artifact": None, "model_sha256": None}
        kept = self._run.add_artifact(NAME, data, MEDIA_TYPE)
        return {"model_artifact": kept.name, "model_sha256": hashlib.sha256(data).hexdigest()}

    def _trial_key(self, ground: _Ground, data: str) -> str:
        told = {
            **replace(self._params, run_id=ground.material.backtest.run_id).to_json(),
            **ground.pins,
            "run_id": None,  # the same trades of another run are the same trial
            "data": data,
            "features_made": ground.table.fingerprint(),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def _told(self, begin: float, end: float, message: str) -> Any:  # noqa: ANN401
        return lambda share: self._run.progress(begin + share * (end - begin), message)


def _confusion(judged: Judged, threshold: float) -> dict[str, int]:
    taken, won = judged.p >= threshold, judged.y > 0
    return {
        "true_positives": int((taken & won).sum()),
        "false_positives": int((taken & ~won).sum()),
        "true_negatives": int((~taken & ~won).sum()),
        "false_negatives": int((~taken & won).sum()),
    }


def _fold_documents(ground: _Ground, walked: Walked, threshold: float) -> list[dict[str, Any]]:
    found, first = [], 0
    for fold in walked.folds:
        places = slice(first, first := first + len(fold.test))
        judged = Judged(
            y=ground.y[list(fold.test)],
            net=ground.net[list(fold.test)],
            p=walked.probabilities[places],
        )
        found.append(
            {
                "from": ground.samples[fold.test[0]].decided_at.isoformat(),
                "to": ground.samples[fold.test[-1]].decided_at.isoformat(),
                "train_samples": len(fold.train),
                "test_samples": len(fold.test),
                "purged": fold.test[0] - len(fold.train),
                **score(judged, threshold=threshold),
            }
        )
    return found


def _spread(purged: Purged) -> dict[str, Any]:
    """AUC over the purged splits and paths."""
    areas = np.array(purged.paths or purged.splits)
    known = len(areas) > 0
    return {
        "splits": purged.splits,
        "paths": purged.paths,
        "purged": purged.purged,
        "low": float(areas.min()) if known else None,
        "median": float(np.median(areas)) if known else None,
        "high": float(areas.max()) if known else None,
    }


def _ranked(names: tuple[str, ...], found: list[tuple[float, float]]) -> list[dict[str, Any]]:
    rows = [
        {"feature": name, "auc_lost": lost, "deviation": spread}
        for name, (lost, spread) in zip(names, found, strict=False)
    ]
    return sorted(rows, key=lambda row: (-float(str(row["auc_lost"])), str(row["feature"])))


def _assumptions(ground: _Ground, walked: Walked, purged: Purged) -> list[str]:
    backtest = ground.material.backtest
    told = [
        (
            f"Labels: whether the trades of backtest {backtest.run_id} ({backtest.strategy}) made "
            "money after costs."
        ),
        f"Bars: {ground.material.label}.",
        "Features were worked out with all later bars cut away; with them they are the same.",
        (
            "Each fold learnt only from trades that had ended before its first was decided; "
            f"the purged splits leave {purged.purged} trades out at each border."
        ),
        "Scores are of trades walked forward, which no model had seen.",
    ]
    if not walked.repeats:
        told.append(
            "The model says something else when it learns the same again, so the same validation "
            "will not have the same result; give it a random_state."
        )
    told += [
        f"Left out: {count} {'trade' if count == 1 else 'trades'} {why}."
        for why, count in sorted(ground.left_out.items())
    ]
    return [*told, *backtest.assumptions]


def _versions(params: ValidationParams) -> dict[str, str]:
    names = (*_LIBRARIES, LIGHTGBM) if params.model_type == LIGHTGBM else _LIBRARIES
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
