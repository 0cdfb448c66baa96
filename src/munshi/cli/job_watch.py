"""Jobs run by this process, with a progress bar for each."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from munshi.bootstrap import Services
from munshi.domain.jobs import Job, JobState

POLL_SECONDS = 0.1
BAR_WIDTH = 24
# Only a person moves these on.
_STUCK = {JobState.PAUSED, JobState.HELD}


def run_here(
    services: Services, jobs: Sequence[Job], *, console: Console | None = None
) -> list[Job]:
    """Work until each of `jobs` has ended or waits for a person; how they stand then."""
    worker = services.worker()
    worker.start()
    try:
        return _watch(services, jobs, console or Console(stderr=True, highlight=False))
    finally:
        worker.stop()


def _watch(services: Services, jobs: Sequence[Job], console: Console) -> list[Job]:
    columns = (
        TextColumn("  {task.fields[name]:<7}"),
        BarColumn(bar_width=BAR_WIDTH),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    watched = list(jobs)
    with Progress(*columns, console=console) as progress:
        bars = {
            job.job_id: progress.add_task("waiting", total=100, name=_name(job)) for job in watched
        }
        while True:
            watched = [services.jobs.get(job.job_id) for job in watched]
            for job in watched:
                said = job.message or str(job.state)
                progress.update(bars[job.job_id], completed=job.progress_percent, description=said)
            if all(job.state.is_final or job.state in _STUCK for job in watched):
                return watched
            services.clock.sleep(POLL_SECONDS)


def _name(job: Job) -> str:
    """The broker a job speaks to, where it speaks to one."""
    return str(job.parameters.get("broker") or job.parameters.get("service") or job.job_type)
