"""The jobs `backtest_sweep` and `backtest_sweep_part`: many trials, then the best of them alone."""

from typing import Any, Protocol
from uuid import UUID

from munshi.backtest.sweeping import SweepService
from munshi.domain.backtest.sweeps import SweepParams, SweepPartParams
from munshi.domain.jobs import BACKTEST, BACKTEST_SWEEP_PART, Job, JobState
from munshi.errors import BacktestSweepStaleError
from munshi.jobs.fan_out import NewChild
from munshi.jobs.run import JobRun


class SweepServices(Protocol):
    """What these jobs need of the desk."""

    @property
    def sweeps(self) -> SweepService: ...


def run(services: SweepServices, run: JobRun, parameters: SweepParams) -> dict[str, Any]:
    """Fan out into parts, then into the finalists, then tell what came of it."""
    sweep = services.sweeps.begin(parameters, job_id=run.job_id, attempt=run.attempt)
    children = run.children()
    _check(sweep.sweep_id, children)
    if missing := services.sweeps.missing(sweep):
        told = {**parameters.to_json(), "resume": None}
        run.fan_out(
            [
                NewChild(
                    job_type=BACKTEST_SWEEP_PART,
                    parameters={
                        "sweep": told,
                        "sweep_id": str(sweep.sweep_id),
                        "numbers": missing[begin : begin + parameters.chunk],
                    },
                )
                for begin in range(0, len(missing), parameters.chunk)
            ]
        )
    services.sweeps.conclude(sweep, job_id=run.job_id, attempt=run.attempt)
    alone = [child for child in children if child.job_type == BACKTEST]
    if not alone:
        best = services.sweeps.finalists(sweep, parameters)
        run.fan_out([NewChild(job_type=BACKTEST, parameters=each.to_json()) for each in best])
    return {
        "sweep_id": str(sweep.sweep_id),
        "trials": sweep.trial_count,
        "finalists": [(child.result_data or {}).get("run_id") for child in alone],
    }


def run_part(services: SweepServices, run: JobRun, parameters: SweepPartParams) -> dict[str, Any]:
    """Run some trials and store them."""
    done = services.sweeps.run_part(
        parameters, job_id=run.job_id, attempt=run.attempt, progress=run.progress
    )
    return {"trials": done}


def _check(sweep_id: UUID, children: list[Job]) -> None:
    for child in children:
        if child.state is not JobState.SUCCEEDED:
            # A job keeps what an error says, not its hint.
            raise BacktestSweepStaleError(
                f"A part of the sweep is {child.state}. {child.error_details or ''} "
                f"What was stored is kept; go on: munshi backtest sweep … --resume {sweep_id}"
            )
