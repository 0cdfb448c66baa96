"""Validations in a real MLflow: a folder and a database in a file, read back by its own client."""

import importlib
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from made_validation_runs import made_validation
from munshi.domain.validation.runs import ValidationRun
from munshi.errors import JobExtraMissingError, RequestInvalidError, ValidationExportFailedError
from munshi.validation.mlflow_export import Exported, export_to_mlflow
from munshi.validation.report import report_page

MODEL = b"as it was stored"
FILES = ("model.skops", "report.html", "validation.json")


def export(run: ValidationRun, uri: str, *, model: bytes | None = MODEL) -> Exported:
    return export_to_mlflow(run, uri=uri, page=report_page(run), model=model)


def test_a_validation_is_there_once_with_scores_pins_and_files_however_often_it_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    fold = made_validation().folds[0]
    run = replace(made_validation(), folds=[fold, {**fold, "roc_auc": 0.75}])
    uri = (tmp_path / "runs").as_uri()

    first = export(run, uri, model=None)
    again = export(replace(run, versions={"python": "another", "numpy": "2"}), uri)

    assert (first.is_new, again.is_new) == (True, False)
    assert (first.mlflow_run_id, first.files) == (again.mlflow_run_id, FILES[1:])
    # Each process that collects tests would pay for it.
    client = importlib.import_module("mlflow").MlflowClient(tracking_uri=uri)
    [found] = client.search_runs([first.experiment_id])
    assert found.info.status == "FINISHED"
    assert found.info.end_time == int(run.completed_at.timestamp() * 1000)
    assert found.data.tags["munshi.validation_id"] == str(run.validation_id)
    assert found.data.tags["munshi.result_hash"] == run.result_hash
    assert found.data.tags["munshi.data_fingerprint"] == run.data_fingerprint
    assert found.data.tags["mlflow.note.content"].startswith(f"**no edge**: {run.reason}")
    assert found.data.params["parameter.seed"] == "0"
    assert found.data.params["version.python"] == "3.11"  # MLflow lets no parameter change
    assert found.data.params["version.numpy"] == "2"
    assert found.data.metrics["roc_auc"] == 0.5
    assert found.data.metrics["roc_auc_low"] == 0.25
    assert found.data.metrics["expectancy_rupees"] == -0.125
    assert "precision_score" not in found.data.metrics  # it has none
    for name in found.data.metrics:
        history = client.get_metric_history(found.info.run_id, name)
        expected = [(0, 0.5), (1, 0.75)] if name == "fold/roc_auc" else None
        assert len(history) == (2 if name.startswith("fold/") else 1), name
        assert expected in (None, [(each.step, each.value) for each in history])
    kept = client.list_artifacts(found.info.run_id)
    assert tuple(sorted(each.path for each in kept)) == FILES == again.files
    path = client.download_artifacts(found.info.run_id, "model.skops", str(tmp_path))
    assert Path(path).read_bytes() == MODEL


def test_a_database_in_a_file_has_its_artifacts_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    done = export(made_validation(), f"sqlite:///{tmp_path}/mlflow.db")

    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        runs = connection.execute("select run_uuid, status from runs").fetchall()
        scores = dict(connection.execute("select key, value from latest_metrics").fetchall())
    connection.close()
    assert runs == [(done.mlflow_run_id, "FINISHED")]
    assert scores["roc_auc"] == 0.5
    kept = (tmp_path / "mlartifacts" / done.mlflow_run_id / "artifacts").iterdir()
    assert tuple(sorted(each.name for each in kept)) == FILES
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_address_that_does_not_answer_is_one_clear_error_without_its_login() -> None:
    with pytest.raises(ValidationExportFailedError) as raised:
        export(made_validation(), "http://127.0.0.1:9")

    assert raised.value.detail.startswith("MLflow at http://127.0.0.1:9 said: ")
    assert "Connection refused" in raised.value.detail


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (" ", "No address of MLflow is given"),
        ("http://who:secret@127.0.0.1:5000", "The address holds a login"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(uri: str, said: str) -> None:
    with pytest.raises(RequestInvalidError, match=said) as raised:
        export(made_validation(), uri)

    assert "secret" not in str(raised.value)


def test_without_mlflow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)

    with pytest.raises(JobExtraMissingError, match=r"pip install 'munshi\[mlflow\]'"):
        export(made_validation(), "http://127.0.0.1:9")
