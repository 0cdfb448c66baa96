"""What a model validation costs: 500 samples, 10 folds walked forward, 45 purged splits.

CPU of a fresh child process that runs the job, its imports included, by model; the aim is 30 s.
With `--coverage` instead: how often, on random walks with overlapping labels, the interval of the
AUC holds 0.5, and which verdicts chance and a planted trend get; and of a rule that learns nothing,
how often each score's interval holds what the rule scores on 400,000 samples.
"""

import argparse
import resource
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from research_desk import open_desk
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from made_validations import INSTRUMENT, MINUTE, asked, market, store
from munshi.bootstrap import Services
from munshi.domain.audit import Actor
from munshi.domain.jobs import ML_VALIDATION
from munshi.domain.validation.features import tabulate
from munshi.domain.validation.samples import most_open_at_once, pick_samples
from munshi.validation.estimators import make_estimator
from munshi.validation.headline import measure_headline
from munshi.validation.learning import Learner
from munshi.validation.measures import Judged, score

SAMPLES = 500
AIM_SECONDS = 30
SURE = 0.95
EVERY, MEMORY, MANY = 8, 20, 400_000
RULES = (("chance", 0, 8), ("chance", 0, 40), ("lasting trend", 0.25, 20))
SHOWN = ("roc_auc", "pr_auc", "accuracy", "precision", "f1", "brier", "log_loss", "expectancy")
MODELS = ("logistic", "hist_gradient_boosting", "lightgbm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coverage", type=int, metavar="MARKETS", default=0)
    given = parser.parse_args()
    if given.coverage:
        with threadpool_limits(limits=1):
            for name, edge, held in (("chance", 0, 20), ("chance", 0, 40), ("trend", 0.25, 20)):
                show_coverage(name, given.coverage, edge=edge, held=held)
            print(f"| fixed rule | samples | {' | '.join(SHOWN)} |")
            for name, edge, held in RULES:
                for samples in (60, 100, 375):
                    show_truth_held(name, given.coverage, samples=samples, edge=edge, held=held)
        return
    with open_desk() as services:
        run_id = store(services, market(seed=1, trades=SAMPLES, edge=0.2)).run_id
        for model in MODELS:
            if find_spec(model) is None and model == "lightgbm":
                print(f"{model:<24} not installed")
                continue
            show_cost(services, run_id, model)


def show_cost(services: Services, run_id: UUID, model: str) -> None:
    before, began = _children_seconds(), time.perf_counter()
    told = asked(run_id, model_type=model)
    job = services.jobs.enqueue(ML_VALIDATION, told, actor=Actor(user_id="benchmark"))
    worker = services.worker()
    worker.start()
    try:
        while not services.jobs.get(job.job_id).state.is_final:
            services.clock.sleep(0.05)
    finally:
        worker.stop()
    wall = time.perf_counter() - began
    done = services.jobs.get(job.job_id)
    assert done.result_data is not None, done.error_details
    run = services.validations.get(UUID(str(done.result_data["validation_id"])))
    assert (len(run.folds), len(run.spread["splits"])) == (10, 45)
    cpu = _children_seconds() - before
    told_cpu = f"{cpu:5.1f} s of CPU (aim {AIM_SECONDS}), {wall:5.1f} s"
    print(f"{model:<24} {told_cpu}; AUC {run.roc_auc:.3f}, {run.verdict}")
    assert cpu < AIM_SECONDS


def show_coverage(name: str, markets: int, *, edge: float, held: int) -> None:
    verdicts: Counter[str] = Counter()
    holds = lucky = 0
    width = 0.0
    for seed in range(markets):
        made = market(seed=seed, trades=SAMPLES, edge=edge, held=held)
        samples = pick_samples(made.trades, instrument=INSTRUMENT).samples
        table = tabulate(samples, made.bars, span=MINUTE, progress=lambda _: None)
        y = np.array([float(sample.made_money) for sample in samples])
        net = np.array([float(sample.net) for sample in samples])
        estimator, _ = make_estimator("logistic", seed=0, folder=Path())
        learner = Learner(estimator, np.array(table.rows), y, samples)
        walked = learner.walk(folds=10, progress=lambda _: None)
        judged = Judged(y=y[walked.places], net=net[walked.places], p=walked.probabilities)
        headline = measure_headline(
            judged, open_at_once=most_open_at_once(samples), threshold=0.5, seed=0
        )
        between = headline.intervals["roc_auc"]
        assert between is not None
        holds += between.low <= 0.5 <= between.high
        width += between.high - between.low
        deflated = headline.deflated_sharpe(trials=1)
        lucky += deflated is not None and deflated > SURE
        verdict, _ = headline.verdict(paths=[], trials=1)
        verdicts[verdict] += 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(
        f"{name}, held {held}: 0.5 in the AUC's interval in {holds} of {markets}, on average "
        f"{width / markets:.3f} wide; deflated Sharpe above {SURE} in {lucky}; {told}",
        flush=True,
    )


def show_truth_held(name: str, runs: int, *, samples: int, edge: float, held: int) -> None:
    """How often each score's interval holds the score of the same rule on very many samples."""
    truth = score(fixed_rule(MANY, seed=MANY, edge=edge, held=held), threshold=0.5)
    open_at_once = -(-held // EVERY) - 1
    holds: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for seed in range(runs):
        made = fixed_rule(samples, seed=seed, edge=edge, held=held)
        found = measure_headline(made, open_at_once=open_at_once, threshold=0.5, seed=0)
        for key, between in found.intervals.items():
            true = truth[key]
            if between is not None and true is not None:
                told[key] += 1
                holds[key] += between.low <= true <= between.high
    row = " | ".join(f"{100 * holds[key] / told[key]:.0f}" for key in SHOWN if told[key])
    print(f"| {name}, held {held} | {samples} | {row} |", flush=True)


def fixed_rule(count: int, *, seed: int, edge: float, held: int) -> Judged:
    """A rule that learns nothing, on overlapping trades, by the move of the last 20 bars.

    With an `edge` there are trends of about 100 bars, a dozen trades, in deviations of a bar.
    """
    random = np.random.default_rng(seed)
    size = MEMORY + count * EVERY + held + 1
    moves = random.normal(size=size)
    if edge:
        keeps = 0.99
        shocks = random.normal(size=size) * np.sqrt(1 - keeps**2)
        moves += edge * lfilter([1.0], [1.0, -keeps], shocks)
    path = np.concatenate(([0.0], np.cumsum(moves)))
    at = MEMORY + np.arange(count) * EVERY
    before = (path[at] - path[at - MEMORY]) / np.sqrt(MEMORY)
    net = path[at + held] - path[at] - 0.1 * np.sqrt(held)
    return Judged(y=(net > 0).astype(float), net=net, p=1 / (1 + np.exp(0.05 - 0.6 * before)))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
