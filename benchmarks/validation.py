"""What a model validation costs: 500 samples, 10 folds walked forward, 45 purged splits.

CPU of a fresh child process that runs the job, its imports included, by model; the aim is 30 s.
With `--coverage` instead: how often, on random walks with overlapping labels, the interval of the
AUC holds 0.5, and which verdicts chance and a planted trend get.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from threadpoolctl import threadpool_limits

from made_validations import INSTRUMENT, MINUTE, asked, market, store
from munshi.bootstrap import Services, open_services
from munshi.domain.audit import Actor
from munshi.domain.jobs import ML_VALIDATION
from munshi.domain.validation.features import tabulate
from munshi.domain.validation.samples import most_open_at_once, pick_samples
from munshi.domain.validation.verdicts import Evidence, block_length, judge
from munshi.infrastructure.database import migrate
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.url import parse_database_url
from munshi.settings import load_settings
from munshi.validation.estimators import make_estimator
from munshi.validation.learning import Learner
from munshi.validation.measures import (
    Judged,
    deviation,
    draw_weights,
    interval,
    score,
    score_draws,
)

SAMPLES = 500
AIM_SECONDS = 30
MODELS = ("logistic", "hist_gradient_boosting", "lightgbm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coverage", type=int, metavar="MARKETS", default=0)
    given = parser.parse_args()
    if given.coverage:
        with threadpool_limits(limits=1):
            for name, edge, held in (("chance", 0, 20), ("chance", 0, 40), ("trend", 0.25, 20)):
                show_coverage(name, given.coverage, edge=edge, held=held)
        return
    with tempfile.TemporaryDirectory() as folder:
        # The child process reads them, too.
        os.environ |= {
            "MUNSHI_HOME": folder,
            "MUNSHI_ENV_FILE": f"{folder}/.env",
            "MUNSHI_WORKER_PROCESSES": "1",
        }
        settings = load_settings(_env_file=None)
        url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
        database = Database(url)
        migrate.upgrade(database)
        database.close()
        with open_services(settings) as services:
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
    holds = 0
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
        block = block_length(len(judged.y), open_at_once=most_open_at_once(samples))
        draws = score_draws(judged, draw_weights(len(judged.y), block=block, seed=0), threshold=0.5)
        scores, between = score(judged, threshold=0.5), interval(draws["roc_auc"])
        assert between is not None
        holds += between.low <= 0.5 <= between.high
        verdict, _ = judge(
            Evidence(
                tested=len(judged.y),
                won=int(judged.y.sum()),
                auc=scores["roc_auc"],
                low=between.low,
                high=between.high,
                deviation=deviation(draws["roc_auc"]),
                paths=[],
                trials=1,
                expectancy=scores["expectancy"],
            )
        )
        verdicts[verdict] += 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(f"{name}, held {held}: 0.5 in the interval in {holds} of {markets}; {told}", flush=True)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
