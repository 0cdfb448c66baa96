"""Validations in a real MLflow: a folder and a database in a file, read back by its own client."""

import importlib
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from made_validation_runs import made_validation
from munshi.domain.validation.runs import ValidationRun
from munshi.errors import JobExtraMissingError, RequestInvalidError, ValidationExportFailedError
from munshi.validation.mlflow_export import Exported, export_to_mlflow
from munshi.validation.report import report_page
from small_disks import small_disk_at

MODEL = b"as it was stored"
SMALL = 2_000_000
FILES = ("model.skops", "report.html", "validation.json")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk_at(tmp_path / "small", size=SMALL) as place:
        yield place


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


def test_a_full_disk_is_one_clear_error_and_the_next_export_completes_the_run(
    small_disk: Path,
) -> None:
    run, uri = made_validation(), (small_disk / "runs").as_uri()
    large = b"m" * 3_000_000

    with pytest.raises(ValidationExportFailedError) as raised:
        export(run, uri, model=large)  # scores are there, and half of the model

    assert "No space left on device" in raised.value.detail
    assert "export it again" in (raised.value.hint or "")
    assert raised.value.detail.count("\n") == 0
    [broken] = (small_disk / "runs").rglob("artifacts")
    assert (
        "status: 1" in (broken.parent / "meta.yaml").read_text()
    )  # running: nobody thinks it done

    done = export(run, uri, model=b"m" * 1000)

    assert (done.is_new, done.mlflow_run_id) == (False, broken.parent.name)
    assert "status: 3" in (broken.parent / "meta.yaml").read_text()  # finished
    assert {each.name: each.stat().st_size for each in broken.iterdir()}["model.skops"] == 1000
    for metric in (broken.parent / "metrics").iterdir():
        if metric.is_file():
            assert metric.read_text().count("\n") == 1, metric.name  # none is doubled


def test_an_export_that_is_killed_half_way_is_one_clear_error_and_completed_by_the_next(
    tmp_path: Path,
) -> None:
    run, uri = made_validation(), (tmp_path / "runs").as_uri()

    def kill_when_the_model_is_being_written() -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            children = [each for each in psutil.Process().children() if exports(each)]
            with suppress(OSError):  # folders come and go
                if children and any((tmp_path / "runs").rglob("artifacts/model.skops")):
                    children[0].kill()
                    return

    killer = threading.Thread(target=kill_when_the_model_is_being_written)
    killer.start()
    with pytest.raises(ValidationExportFailedError, match="it ended with -9"):
        export(run, uri, model=b"m" * 100_000_000)
    killer.join()
    [artifacts] = (tmp_path / "runs").rglob("artifacts")
    assert "status: 3" not in (artifacts.parent / "meta.yaml").read_text()

    done = export(run, uri)

    [artifacts] = (tmp_path / "runs").rglob("artifacts")
    assert artifacts.parent.name == done.mlflow_run_id
    assert sorted(each.name for each in artifacts.iterdir()) == sorted(FILES)
    assert (artifacts / "model.skops").read_bytes() == MODEL
    assert "status: 3" in (artifacts.parent / "meta.yaml").read_text()


def test_a_run_whose_description_was_cut_off_is_made_anew_and_that_of_another_is_named(
    tmp_path: Path,
) -> None:
    """As MLflow leaves a folder that it was killed in: the file is emptied before it is written."""
    run, uri = made_validation(), (tmp_path / "runs").as_uri()
    first = export(run, uri, model=None)
    [described] = (tmp_path / "runs").glob(f"*/{first.mlflow_run_id}/meta.yaml")
    described.write_text("")

    again = export(run, uri, model=None)

    assert again.is_new
    assert not described.exists()
    [described] = (tmp_path / "runs").glob("*/*/meta.yaml")
    assert described.parent.name == again.mlflow_run_id
    described.write_text("")
    with pytest.raises(ValidationExportFailedError, match="a run was cut off there") as raised:
        export(made_validation(), uri, model=None)
    assert str(described) in raised.value.detail
    assert described.exists()


def exports(process: psutil.Process) -> bool:
    try:
        return "munshi.validation.mlflow_child" in process.cmdline()
    except psutil.Error:
        return False


def test_a_place_that_cannot_be_written_is_one_clear_error_and_keeps_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "runs").write_text("in the way")

    with pytest.raises(ValidationExportFailedError) as raised:
        export(made_validation(), (tmp_path / "runs").as_uri())

    assert raised.value.detail.startswith(f"MLflow at file://{tmp_path}/runs said: ")
    assert [each.name for each in tmp_path.iterdir()] == ["runs"]


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
