"""The `backtest` job where nautilus_trader is asked for; loaded in such a job's child only."""

from typing import Any

from munshi.backtest.job import BacktestServices, run_with
from munshi.backtest.nautilus_engine import NautilusEngine
from munshi.domain.backtest.engine import EngineName
from munshi.domain.backtest.params import BacktestParams
from munshi.jobs.run import JobRun


def run(services: BacktestServices, run: JobRun, parameters: BacktestParams) -> dict[str, Any]:
    """Run there, or run in the kernel and then there; store, and tell under which id."""
    nautilus = NautilusEngine()
    if parameters.engine is EngineName.NAUTILUS:
        return run_with(services, run, parameters, engine=nautilus)
    return run_with(services, run, parameters, confirm_by=nautilus)
