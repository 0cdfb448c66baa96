"""The jobs that keep the desk tidy: `job_cleanup` and `database_maintenance`."""

from dataclasses import asdict
from typing import Any, Protocol

from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.config_keys import JOBS, KEEP_DAYS
from munshi.domain.job_params import NoParams
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.maintenance import care_for
from munshi.jobs.run import JobRun
from munshi.jobs.service import JobService


class CleanupServices(Protocol):
    """What `job_cleanup` needs of the desk."""

    @property
    def jobs(self) -> JobService: ...

    @property
    def config(self) -> ConfigService: ...


class MaintenanceServices(Protocol):
    """What `database_maintenance` needs of the desk."""

    @property
    def database(self) -> Database: ...


def clean_up_jobs(services: CleanupServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Delete the jobs that ended longer ago than `jobs/keep_days` says."""
    days: int = services.config.value(JOBS, KEEP_DAYS)
    run.progress(10, f"Deleting jobs that ended more than {days} days ago.")
    deleted = services.jobs.cleanup(days, actor=Actor(user_id=f"job:{run.job_id}"))
    return {"days": days, "deleted": deleted}


def maintain_database(services: MaintenanceServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Care for every table; the result is the report that people read."""
    report = care_for(services.database, progress=run.progress)
    summary = f"{len(report.tables)} tables were cared for."
    if report.advice:
        summary += f" There is advice: {report.advice[0]}"
    return {"summary": summary, **asdict(report)}
