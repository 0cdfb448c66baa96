"""The process that writes one validation to MLflow: what to write on stdin, one line of answer.

It is a process of its own because MLflow is heavy, speaks to whatever address it is given, and sets
the process up as it likes. Nobody imports this module; see `mlflow_export`.
"""

import json
import logging
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

_ID = "munshi.validation_id"
_SQLITE = "sqlite:///"
_MOST_METRICS, _MOST_OTHERS = 1000, 100


def main() -> None:
    """Answer `{"run_id": "…", "experiment_id": "…", "is_new": true}` or `{"error": "…"}`."""
    logging.disable(logging.WARNING)
    asked = json.loads(sys.stdin.buffer.read())
    try:
        answer = _export(asked)
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked hears of it
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def _export(asked: Mapping[str, Any]) -> dict[str, Any]:
    _clear_torn(asked["uri"], validation=asked["tags"][_ID])
    client = MlflowClient(tracking_uri=asked["uri"])
    experiment = _experiment(client, asked)
    run_id, is_new = _run(client, experiment, asked)
    there, told = _what_is_there(client, run_id)
    metrics = [
        Metric(key, value, asked["ended_ms"], step)
        for key, value, step in asked["metrics"]
        if (value, step) not in there.get(key, ())
    ]
    # MLflow refuses to change what a run was told.
    params = [Param(key, value) for key, value in asked["params"].items() if key not in told]
    tags = [RunTag(key, value) for key, value in asked["tags"].items()]
    for begin in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[begin : begin + _MOST_METRICS])
    for begin in range(0, max(len(params), len(tags)), _MOST_OTHERS):
        chosen = slice(begin, begin + _MOST_OTHERS)
        client.log_batch(run_id, params=params[chosen], tags=tags[chosen])
    for path in sorted(Path(asked["folder"]).iterdir()):
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id, status="FINISHED", end_time=asked["ended_ms"])
    return {"run_id": run_id, "experiment_id": experiment, "is_new": is_new}


def _clear_torn(uri: str, *, validation: str) -> None:
    """Remove a run of this validation that was killed while MLflow wrote its description.

    In a folder MLflow empties that file before it writes it anew, and then reads no run of the
    whole experiment. One that is not ours is left, and named.
    """
    parts = urlsplit(uri)
    if parts.scheme not in {"", "file"}:
        return
    store = Path(unquote(parts.path) if parts.scheme else uri)
    for described in store.glob("*/*/meta.yaml"):
        if described.stat().st_size:
            continue
        tag = described.parent / "tags" / _ID
        if not tag.is_file() or tag.read_text() != validation:
            message = f"{described} is empty: a run was cut off there. Remove its folder."
            raise ValueError(message)
        shutil.rmtree(described.parent)


def _experiment(client: MlflowClient, asked: Mapping[str, Any]) -> str:
    found = client.get_experiment_by_name(asked["experiment"])
    if found is not None:
        return str(found.experiment_id)
    return str(
        client.create_experiment(asked["experiment"], artifact_location=_artifacts(asked["uri"]))
    )


def _artifacts(uri: str) -> str | None:
    """Beside a database in a file, not wherever the command was typed; else as the store says."""
    if not uri.startswith(_SQLITE):
        return None
    path = Path(unquote(uri.removeprefix(_SQLITE).partition("?")[0]))
    return (path.resolve().parent / "mlartifacts").as_uri()


def _run(client: MlflowClient, experiment: str, asked: Mapping[str, Any]) -> tuple[str, bool]:
    """The run that an earlier export began, whether or not it came to its end, or a new one."""
    tags = asked["tags"]
    found = client.search_runs([experiment], filter_string=f"tags.`{_ID}` = '{tags[_ID]}'")
    if found:
        return str(found[0].info.run_id), False
    made = client.create_run(
        experiment, run_name=asked["name"], start_time=asked["began_ms"], tags={_ID: tags[_ID]}
    )
    return str(made.info.run_id), True


def _what_is_there(
    client: MlflowClient, run_id: str
) -> tuple[dict[str, set[tuple[float, int]]], set[str]]:
    """Values and steps of each metric, and the names of parameters."""
    data = client.get_run(run_id).data
    metrics = {
        key: {(each.value, each.step) for each in client.get_metric_history(run_id, key)}
        for key in data.metrics
    }
    return metrics, set(data.params)


if __name__ == "__main__":
    main()
