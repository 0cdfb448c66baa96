"""A stored validation written to MLflow, by a process of its own that may not take too long."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from munshi.domain.validation.runs import ValidationRun
from munshi.errors import JobExtraMissingError, RequestInvalidError, ValidationExportFailedError

EXPERIMENT = "munshi"
MODEL, REPORT, DOCUMENT = "model.skops", "report.html", "validation.json"
_SECONDS = 300.0
_PAISE = 100
_LONGEST_PARAM, _LONGEST_TAG, _LONGEST_ANSWER = 6000, 5000, 600
_NAME = re.compile(r"[^\w\-./ ]")
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
_SCORES = (
    *("accuracy", "precision_score", "recall_score", "f1_score", "roc_auc", "pr_auc"),
    *("brier_score", "log_loss", "calibration_error", "deflated_sharpe"),
    *("train_samples", "test_samples", "trials"),
)
_FOLD_SCORES = ("roc_auc", "brier", "train_samples", "test_samples")
# What MLflow does unless it is told otherwise: report to its makers, refuse folders, and try an
# address that does not answer for minutes.
_ENVIRONMENT: Mapping[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "PYTHONWARNINGS": "ignore",
}
Metric = tuple[str, float, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Where it is now; `is_new` is False where an earlier export was completed or kept."""

    uri: str
    experiment: str
    experiment_id: str
    mlflow_run_id: str
    is_new: bool
    files: tuple[str, ...]


def export_to_mlflow(
    run: ValidationRun,
    *,
    uri: str,
    page: str,
    model: bytes | None,
    experiment: str = EXPERIMENT,
) -> Exported:
    """Write scores, what pins them, the report and the model's file where there is one.

    The same again doubles nothing. No transaction may be open. Raises JobExtraMissingError,
    RequestInvalidError for an address with a login in it, ValidationExportFailedError.
    """
    check_mlflow(uri)
    with TemporaryDirectory() as folder:
        files = {REPORT: page.encode(), DOCUMENT: _document(run)}
        if model is not None:
            files[MODEL] = model
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        answer = _ask(
            {
                "uri": uri,
                "experiment": experiment,
                "name": f"{run.model_type} {run.signal_type} {str(run.validation_id)[:8]}",
                "began_ms": _milliseconds(run.created_at),
                "ended_ms": _milliseconds(run.completed_at),
                "params": dict(params_of(run)),
                "metrics": list(metrics_of(run)),
                "tags": {key: value[:_LONGEST_TAG] for key, value in tags_of(run).items()},
                "folder": folder,
            }
        )
    if "error" in answer:
        raise ValidationExportFailedError(
            f"MLflow at {shown(uri)} said: {_LOGIN.sub('***@', str(answer['error']))}"[
                :_LONGEST_ANSWER
            ],
            hint="What was written stays; export it again, and it is completed.",
        )
    return Exported(
        uri=shown(uri),
        experiment=experiment,
        experiment_id=str(answer["experiment_id"]),
        mlflow_run_id=str(answer["run_id"]),
        is_new=bool(answer["is_new"]),
        files=tuple(sorted(files)),
    )


def check_mlflow(uri: str) -> None:
    """Raise JobExtraMissingError without MLflow, RequestInvalidError for a bad address."""
    if find_spec("mlflow") is None:
        raise JobExtraMissingError(
            "This needs mlflow-skinny, which is not installed: pip install 'munshi[mlflow]'"
        )
    if not uri.strip():
        raise RequestInvalidError(
            "No address of MLflow is given.", hint="Such as --to sqlite:///mlflow.db"
        )
    if uri.startswith(("http://", "https://")) and "@" in urlsplit(uri).netloc:
        raise RequestInvalidError(
            "The address holds a login, which others on this machine could read.",
            hint="Give it as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )


def shown(uri: str) -> str:
    return _LOGIN.sub("***@", uri)


def params_of(run: ValidationRun) -> Iterator[tuple[str, str]]:
    """What it was told and made with; of one validation they never change."""
    told = {
        **{f"parameter.{name}": value for name, value in run.parameters.items()},
        **{f"version.{name}": value for name, value in run.versions.items()},
        "model_type": run.model_type,
        "signal_type": run.signal_type,
        "instrument": run.instrument,
        "bar_interval": run.bar_interval,
        "from_date": run.from_date,
        "to_date": run.to_date,
        "threshold": run.threshold,
        "seed": run.seed,
        "features": ", ".join(run.feature_names),
    }
    for name, value in told.items():
        yield _NAME.sub("_", name), str(value)[:_LONGEST_PARAM] or "-"


def metrics_of(run: ValidationRun) -> Iterator[Metric]:
    """Name, value and step, which is the fold's number for what a fold has."""
    values = {
        **{name: getattr(run, name) for name in _SCORES},
        "expectancy_rupees": None if run.expectancy is None else run.expectancy / _PAISE,
        **run.confusion,
        **{
            f"{name}_{end}": between[end]
            for name, between in run.confidence_intervals.items()
            if isinstance(between, Mapping)
            for end in ("low", "high")
        },
        **{
            _NAME.sub("_", f"importance/{each['feature']}"): each["auc_lost"]
            for each in run.importance
        },
    }
    yield from ((name, float(value), 0) for name, value in values.items() if value is not None)
    for number, fold in enumerate(run.folds):
        for name in _FOLD_SCORES:
            if fold.get(name) is not None:
                yield f"fold/{name}", float(fold[name]), number


def tags_of(run: ValidationRun) -> dict[str, str]:
    """What finds it again, and the verdict where MLflow shows a description."""
    lines = [f"**{run.verdict}**: {run.reason}", *(f"- {line}" for line in run.assumptions)]
    return {
        "munshi.validation_id": str(run.validation_id),
        "munshi.backtest_run_id": str(run.backtest_run_id),
        "munshi.verdict": run.verdict,
        "munshi.result_hash": run.result_hash,
        "munshi.data_fingerprint": run.data_fingerprint,
        "munshi.feature_fingerprint": run.feature_fingerprint,
        "munshi.model_sha256": run.model_sha256 or "not kept",
        "munshi.exported_by": version("munshi"),
        "mlflow.source.name": "munshi",
        "mlflow.note.content": "\n".join(lines),
    }


def _document(run: ValidationRun) -> bytes:
    return json.dumps(asdict(run), indent=2, ensure_ascii=False, default=str).encode()


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _ask(asked: dict[str, object]) -> dict[str, object]:
    """The last line of the child's answer, or what became of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUNSHI_")}
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "munshi.validation.mlflow_child"],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**_ENVIRONMENT, **kept},
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {_SECONDS:g} s"}
    try:
        answer = json.loads(ran.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        answer = None
    if isinstance(answer, dict):
        return answer
    said = ran.stderr.decode(errors="replace").strip().splitlines()
    return {"error": said[-1] if said else f"it ended with {ran.returncode}"}
