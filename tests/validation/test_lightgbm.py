"""LightGBM as a model: validated like the others, kept as data, and refused where it is altered."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_validations import Market, market, store, store_run
from munshi.bootstrap import Services
from munshi.errors import JobExtraMissingError, ModelFileRefusedError
from munshi.validation.estimators import make_estimator
from munshi.validation.model_files import open_model, pack_model
from validations import validated

EDGE = market(seed=12, trades=360, edge=0.3)
FEW_SPLITS = {"purged_folds": 4, "folds": 4, "model_type": "lightgbm"}
DRAWN = np.random.default_rng(1)
X = DRAWN.normal(size=(300, 5))
Y = (X[:, 0] + DRAWN.normal(size=300) > 0).astype(int)


def made(folder: Path) -> Any:  # noqa: ANN401 - the library has no types
    estimator, pin = make_estimator("lightgbm", seed=3, folder=folder)
    assert pin is None
    return estimator.fit(X, Y)


def test_it_is_validated_and_its_kept_model_judges_later_trades(services: Services) -> None:
    early = store(services, Market(bars=EDGE.bars, trades=EDGE.trades[:200]))
    late = store_run(services, EDGE.trades[200:], bars=EDGE.bars)

    first = validated(services, early.run_id, **FEW_SPLITS)
    again = validated(services, early.run_id, **FEW_SPLITS)
    second = validated(services, late.run_id, **FEW_SPLITS)

    assert first.versions["lightgbm"].startswith("4.")
    assert first.result_hash == again.result_hash
    assert first.roc_auc is not None
    assert first.roc_auc > 0.5
    one, other = (open_model(services.validations.model_file(run)) for run in (first, again))
    x = np.random.default_rng(2).normal(size=(50, len(first.feature_names)))
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))
    previous = second.baseline["previous"]
    assert previous["validation_id"] in {str(first.validation_id), str(again.validation_id)}
    assert previous["samples"] == second.test_samples  # by the model in the file


def test_a_model_read_back_says_exactly_what_it_said(tmp_path: Path) -> None:
    model = made(tmp_path)

    back = open_model(pack_model(model))

    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))


def _another_type(schema: dict[str, Any]) -> None:
    schema["content"]["content"]["_Booster"] |= {
        "__module__": "subprocess",
        "__class__": "Popen",
    }


def _another_model(schema: dict[str, Any]) -> None:
    schema |= {"__module__": "lightgbm.sklearn", "__class__": "LGBMRanker"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_another_type, r"holds subprocess\.Popen, which is not trusted"),
        (_another_model, r"holds lightgbm\.sklearn\.LGBMRanker, which is not trusted"),
    ],
)
def test_a_file_with_any_type_beyond_the_list_is_not_opened(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    data = _rewritten(pack_model(made(tmp_path)), change)

    with pytest.raises(ModelFileRefusedError, match=said):
        open_model(data)


def test_a_file_cut_short_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelFileRefusedError, match="cannot be read"):
        open_model(pack_model(made(tmp_path))[:2000])


def test_without_openmp_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a slim Debian: the package is found, and loading its library is not."""
    package = tmp_path / "lightgbm"
    package.mkdir()
    (package / "__init__.py").write_text("import ctypes\nctypes.CDLL('libgomp-gone.so.1')\n")
    for name in [each for each in sys.modules if each.partition(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(JobExtraMissingError, match=r"libgomp-gone\.so\.1") as raised:
        make_estimator("lightgbm", seed=0, folder=tmp_path)

    assert "apt-get install libgomp1" in str(raised.value.hint)


def _rewritten(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    source, target = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as made_file:
        for name in source.namelist():
            content = source.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                change(schema)
                content = json.dumps(schema).encode()
            made_file.writestr(name, content)
    return target.getvalue()
