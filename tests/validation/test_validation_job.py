"""The job on a real desk: what it finds in chance and in an edge, keeps once, and refuses."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from desks import TESTER, Desk
from made_validations import Market, asked, market, store, store_run
from munshi.bootstrap import JOB_TYPES, Services
from munshi.domain.backtest.results import Trade
from munshi.domain.jobs import ML_VALIDATION, JobState
from munshi.domain.validation.verdicts import Verdict
from munshi.errors import (
    JobExtraMissingError,
    JobParametersInvalidError,
    ModelFileRefusedError,
)
from munshi.infrastructure.candles.frames import to_frame
from munshi.jobs.entries import check_extra
from validations import validate, validated, work

NOISE = market(seed=11, trades=500)
EDGE = market(seed=12, trades=500, edge=0.3)
FEW_SPLITS = {"purged_folds": 4}
PEEKING = """
def peek(bars, last):
    return {"now": bars[last].close, "tomorrow": bars[min(last + 5, len(bars) - 1)].close}

def honest(bars, last):
    return {"move": bars[last].close / bars[last - 20].close - 1}
"""
OWN_MODEL = """
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

def untrusted():
    return KNeighborsClassifier(30)

def broken():
    return GaussianNB(var_smoothing="much")
"""


def own_file(services: Services, name: str, text: str) -> None:
    folder = services.validations.own_folder
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def test_on_chance_with_overlapping_labels_there_is_no_edge(services: Services) -> None:
    run = validated(services, store(services, NOISE).run_id)

    between = run.confidence_intervals["roc_auc"]
    assert between["low"] < 0.5 < between["high"]
    assert run.verdict == Verdict.NO_EDGE
    assert len(run.folds) == 10
    assert all(fold["purged"] >= 2 for fold in run.folds)  # as many as a label overlaps
    assert len(run.spread["splits"]) == 45
    assert len(run.spread["paths"]) == 9
    assert sum(run.confusion.values()) == run.test_samples == len(run.predictions) == 375
    assert sum(each["count"] for each in run.reliability) == 375


def test_a_planted_edge_is_found_and_the_same_again_is_no_new_try(services: Services) -> None:
    backtest = store(services, EDGE)

    first, again = (validated(services, backtest.run_id, **FEW_SPLITS) for _ in range(2))

    assert first.verdict == Verdict.EDGE
    assert first.roc_auc is not None
    assert first.roc_auc > 0.6
    assert first.importance[0]["feature"].removesuffix("_20") in {"return", "place_in_range"}
    better = first.baseline["majority"]["model_minus_baseline"]
    assert better["log_loss"]["high"] < 0 < better["accuracy"]["low"]
    assert first.baseline["always"]["model_minus_baseline"]["expectancy"]["difference"] > 0
    assert first.deflated_sharpe is not None
    assert first.deflated_sharpe > 0.95
    assert first.validation_id != again.validation_id
    assert (first.result_hash, first.trials) == (again.result_hash, again.trials)
    assert len(services.validations.list_runs()) == 2

    other = validated(services, backtest.run_id, **FEW_SPLITS, model_type="hist_gradient_boosting")

    assert other.trials == 2
    earlier = {str(first.validation_id), str(again.validation_id)}  # made in the same moment
    assert other.baseline["previous"]["validation_id"] in earlier
    assert other.baseline["previous"]["samples"] == 375
    page = services.validations.report(other.validation_id)
    assert page.count("<svg") == 3
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert '="#' not in page  # colours are those of the two schemes


def test_a_stored_model_speaks_of_later_trades_unless_its_file_was_changed(desk: Desk) -> None:
    services = desk.services
    early = store(services, Market(bars=EDGE.bars, trades=EDGE.trades[:300]))
    late = store_run(services, EDGE.trades[300:], bars=EDGE.bars)
    first = validated(services, early.run_id, **FEW_SPLITS)

    second = validated(services, late.run_id, **FEW_SPLITS)

    previous = second.baseline["previous"]
    assert previous["validation_id"] == str(first.validation_id)
    assert previous["scores"]["roc_auc"] > 0.6
    assert previous["samples"] == second.test_samples

    [artifact] = services.jobs.artifacts(str(second.job_id))
    path = services.settings.home / artifact.path
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(ModelFileRefusedError, match="not what was stored"):
        services.validations.model_file(second)
    path.unlink()
    with pytest.raises(ModelFileRefusedError, match=r"The file of model\.skops is gone"):
        services.validations.model_file(second)
    third = validated(services, late.run_id, **FEW_SPLITS, seed=5)
    assert third.baseline["previous"]["samples"] == third.test_samples  # by its own words


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"features": "own.py:peek"}, "tomorrow of the signal of 2024-01-01 10:16 changes when"),
        ({"features": "own.py:gone"}, "own.py has no function or class gone"),
        ({"model_type": "model.py:broken"}, "It could not learn: InvalidParameterError"),
        ({"signal_type": "S3"}, "No trade of this backtest was made by the signal S3"),
        ({"to": "2023-12-31"}, "There are 0 trades with a known end"),
    ],
)
def test_what_cannot_be_validated_is_one_clear_error_and_nothing_is_kept(
    services: Services, given: dict[str, object], said: str
) -> None:
    own_file(services, "own.py", PEEKING)
    own_file(services, "model.py", OWN_MODEL)
    backtest = store(services, Market(bars=NOISE.bars, trades=NOISE.trades[:80]))

    job = validate(services, backtest.run_id, **FEW_SPLITS, **given)

    assert job.state is JobState.FAILED
    assert said in (job.error_details or "")
    assert services.validations.list_runs() == []
    assert services.jobs.artifacts(str(job.job_id)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"features": "../own.py:peek"}, "There is no file ../own.py"),
        ({"features": "entry:gone"}, "No installed package has a gone"),
        ({"model_type": "gone.py:make"}, "There is no file gone.py"),
        ({"model_type": "entry:gone"}, "No installed package has a gone"),
        ({"run_id": "00000000-0000-0000-0000-000000000000"}, "There is no backtest 00000000"),
        ({"threshold": 1.5}, "threshold must be a probability between 0 and 1, not 1.5"),
    ],
)
def test_what_nobody_has_is_refused_before_it_is_stored_and_runs_no_code(
    services: Services, given: dict[str, object], said: str
) -> None:
    (services.settings.home / "own.py").write_text(PEEKING)
    own_file(services, "run.py", "raise SystemExit('it was run')")
    backtest = store(services, Market(bars=NOISE.bars, trades=NOISE.trades[:80]))
    told = {"run_id": str(backtest.run_id), "model_type": "run.py:make"} | given

    with pytest.raises(JobParametersInvalidError, match=said):
        services.jobs.enqueue(ML_VALIDATION, told, actor=TESTER)

    assert not services.jobs.recent().jobs


def test_code_that_is_gone_when_the_job_begins_is_one_clear_error(services: Services) -> None:
    own_file(services, "own.py", PEEKING)
    backtest = store(services, Market(bars=NOISE.bars, trades=NOISE.trades[:80]))
    told = asked(backtest.run_id, features="own.py:honest")
    job = services.jobs.enqueue(ML_VALIDATION, told, actor=TESTER)
    (services.validations.own_folder / "own.py").unlink()

    work(services)

    assert "There is no file own.py" in (services.jobs.get(job.job_id).error_details or "")
    assert services.validations.list_runs() == []


def test_trades_of_bars_that_were_changed_since_are_not_learnt_from(services: Services) -> None:
    backtest = store(services, Market(bars=NOISE.bars, trades=NOISE.trades[:80]))
    [series] = services.candles.coverage()
    changed = replace(NOISE.bars[100], volume=NOISE.bars[100].volume + 1)
    services.candles.save(series.key, to_frame([changed]), label="made up")

    job = validate(services, backtest.run_id, **FEW_SPLITS)

    assert "are no longer those that the backtest ran on" in (job.error_details or "")
    assert services.validations.list_runs() == []


def test_your_own_model_and_features_are_taken_and_what_is_not_trusted_is_not_kept(
    services: Services,
) -> None:
    own_file(services, "own.py", PEEKING)
    own_file(services, "model.py", OWN_MODEL)
    backtest = store(services, Market(bars=EDGE.bars, trades=EDGE.trades[:200]))

    run = validated(
        services,
        backtest.run_id,
        **FEW_SPLITS,
        model_type="model.py:untrusted",
        features="own.py:honest",
    )

    assert run.feature_names == ["move"]
    assert run.model_sha256 is None
    assert {"model", "features"} <= run.parameters.keys()  # the hashes of the code


def test_a_disk_that_takes_no_file_keeps_nothing(services: Services) -> None:
    backtest = store(services, Market(bars=NOISE.bars, trades=NOISE.trades[:80]))
    Path(services.settings.home / "artifacts").write_text("in the way")

    job = validate(services, backtest.run_id, **FEW_SPLITS)

    assert job.result_data is None
    assert services.validations.list_runs() == []


def test_what_is_not_installed_is_named_with_the_command_that_mends_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest = store(services, Market(bars=NOISE.bars, trades=NOISE.trades[:80]))
    monkeypatch.setitem(sys.modules, "lightgbm", None)

    job = validate(services, backtest.run_id, model_type="lightgbm")

    told = "needs lightgbm, which is not installed: pip install 'munshi[research]'"
    assert told in (job.error_details or "")
    # What a worker asks before it gives the job to a child.
    monkeypatch.setitem(sys.modules, "skfolio", None)
    with pytest.raises(JobExtraMissingError, match=r"skfolio.*pip install 'munshi.research.'"):
        check_extra(JOB_TYPES[ML_VALIDATION].needs)


def test_one_class_only_is_refused(services: Services) -> None:
    made = Market(bars=NOISE.bars, trades=[_won(trade) for trade in NOISE.trades[:80]])

    job = validate(services, store(services, made).run_id)

    assert "80 trades made money after costs and 0 lost any" in (job.error_details or "")


def _won(trade: Trade) -> Trade:
    buy, sell = trade.legs
    return replace(trade, legs=(buy, replace(sell, price=buy.price + 500)))
