"""Jobs run by this process, with a progress bar for each."""

from collections.abc import Sequence
from uuid import UUID

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
from munshi.market.collection_outlook import Outlook

POLL_SECONDS = 0.1
# Adding up the parts of a collection costs more than looking at it.
OUTLOOK_SECONDS = 2.0
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
    watched, outlooks = list(jobs), _Outlooks(services)
    with Progress(*columns, console=console) as progress:
        bars = {
            job.job_id: progress.add_task("waiting", total=100, name=_name(job)) for job in watched
        }
        while True:
            watched = [services.jobs.get(job.job_id) for job in watched]
            for job in watched:
                said = " ".join((job.message or str(job.state), outlooks.said(job))).strip()
                progress.update(bars[job.job_id], completed=job.progress_percent, description=said)
            if all(
                job.state.is_final or job.state in _STUCK or outlooks.is_stuck(job)
                for job in watched
            ):
                return watched
            services.clock.sleep(POLL_SECONDS)


class _Outlooks:
    """When collections in parts will end, worked out every few seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[UUID, tuple[float, Outlook | None]] = {}

    def said(self, job: Job) -> str:
        found = self._of(job)
        return f"It {found.said}." if found is not None and found.requests else ""

    def is_stuck(self, job: Job) -> bool:
        found = self._of(job)
        return found is not None and found.waits_for_login

    def _of(self, job: Job) -> Outlook | None:
        now = self._services.clock.monotonic()
        looked_at, found = self._known.get(job.job_id, (-OUTLOOK_SECONDS, None))
        if now - looked_at >= OUTLOOK_SECONDS:
            found = self._services.collection_outlook.of_job(job)
            self._known[job.job_id] = (now, found)
        return found


def _name(job: Job) -> str:
    """The broker a job speaks to, where it speaks to one."""
    return str(job.parameters.get("broker") or job.parameters.get("service") or job.job_type)
