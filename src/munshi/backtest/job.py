"""The `backtest` job."""

from typing import Any, Protocol

from munshi.backtest.service import BacktestService
from munshi.domain.backtest.engine import Engine
from munshi.domain.backtest.params import BacktestParams
from munshi.jobs.run import JobRun

_PARQUET = "application/vnd.apache.parquet"


class BacktestServices(Protocol):
    """What this job needs of the desk."""

    @property
    def backtests(self) -> BacktestService: ...


def run(services: BacktestServices, run: JobRun, parameters: BacktestParams) -> dict[str, Any]:
    """Run in our own engine, store, and tell under which id."""
    return run_with(services, run, parameters)


def run_with(
    services: BacktestServices,
    run: JobRun,
    parameters: BacktestParams,
    *,
    engine: Engine | None = None,
    confirm_by: Engine | None = None,
) -> dict[str, Any]:
    """As `run`, in `engine` where one is given, and again in `confirm_by`."""
    done = services.backtests.run(
        parameters,
        job_id=run.job_id,
        attempt=run.attempt,
        progress=run.progress,
        engine=engine,
        confirm_by=confirm_by,
        keep_file=lambda name, path: run.add_artifact(name, path, _PARQUET),
    )
    return {
        "run_id": str(done.run_id),
        "net": done.net,
        "result_hash": done.result_hash,
        "metrics": dict(done.metrics),
    }
