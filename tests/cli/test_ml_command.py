"""`munshi ml`: a validation run in a child process, shown, listed and written as a page."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from command_line import Munshi
from desks import Desk
from made_validations import market, store

EDGE = market(seed=12, trades=160, edge=0.3)


@pytest.fixture
def run_id(desk: Desk) -> str:
    return str(store(desk.services, EDGE).run_id)


def test_a_validation_is_run_in_a_child_shown_and_reported(
    munshi: Munshi, run_id: str, tmp_path: Path
) -> None:
    done = munshi("ml", "validate", "--run", run_id[:8], "--purged-folds", "4", "--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["backtest_run_id"] == run_id
    assert found["status"] == "completed"
    assert 0 <= found["accuracy"] <= 1
    assert found["model_artifact"] == "model.skops"

    short = found["validation_id"][:8]
    shown = munshi("ml", "show", short)
    assert f"{found['verdict']}: AUC" in shown.stdout
    assert "Features were worked out with all later bars cut away" in shown.stdout
    pins = ("data_fingerprint", "feature_fingerprint", "model_sha256", "result_hash")
    told = (found[name] for name in pins)
    for fact in ("taken, 0.50 or more", "came true", "scikit-learn", *told):
        assert fact in shown.stdout
    listed = munshi("ml", "list", "--model", "logistic", "--verdict", found["verdict"])
    assert short in listed.stdout
    assert "none fits" in munshi("ml", "list", "--signal", "S3").stdout
    assert "There is no verdict 'good'" in munshi("ml", "list", "--verdict", "good").stderr
    assert munshi("ml", "list", "--cursor", "x").exit_code == 1
    as_json = json.loads(munshi("ml", "list", "--json").stdout)
    assert (as_json["validations"], as_json["next_cursor"]) == ([found], None)
    page = tmp_path / "page.html"
    assert munshi("ml", "report", short, "-o", str(page)).exit_code == 0
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(munshi("ml", "report", short, "--json").stdout) == found
    exported = munshi("ml", "export", short, "--to", str(tmp_path / "mlruns"), "--json")
    assert exported.exit_code == 0, exported.output
    assert json.loads(exported.stdout)["model_missing"] is None
    [model] = (tmp_path / "mlruns").rglob("model.skops")
    assert sha256(model.read_bytes()).hexdigest() == found["model_sha256"]
    lost = munshi("ml", "report", short, "-o", str(tmp_path / "no" / "page.html"))
    assert lost.exit_code == 1
    assert "cannot be written" in lost.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("validate", "--run", "{run}", "--splits", "kfold"), "Splits of the kind 'kfold'"),
        (("validate", "--run", "{run}", "--model", "magic"), "There is no model 'magic'"),
        (("validate", "--run", "{run}", "--model", "gone.py:make"), "There is no file gone.py"),
        (("validate", "--run", "{run}", "--features", "entry:gone"), "No installed package has"),
        (("validate", "--run", "{run}", "--threshold", "1.5"), "threshold must be a probability"),
        (("validate", "--run", "{run}", "--folds", "2"), "folds must be a whole number from 3"),
        (("validate", "--run", "ffff"), "There is no backtest 'ffff'"),
        (("show", "ffff"), "There is no model validation 'ffff'"),
        (("report", "ffff"), "There is no model validation 'ffff'"),
        (("export", "ffff", "--to", "runs"), "There is no model validation 'ffff'"),
    ],
)
def test_bad_input_is_one_clear_error(
    munshi: Munshi, run_id: str, words: tuple[str, ...], said: str
) -> None:
    done = munshi("ml", *(word.format(run=run_id) for word in words))

    assert done.exit_code == 1
    assert said in done.stderr
    assert json.loads(munshi("jobs", "list", "--json").stdout)["jobs"] == []
    assert "none was run" in munshi("ml", "list").stdout
