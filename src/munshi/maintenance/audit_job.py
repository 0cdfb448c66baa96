"""The job `audit_archive`: old audit rows into archives, and archives that are too old dropped."""

from datetime import timedelta
from typing import Any, Protocol

from munshi.audit.archive_service import ArchiveService
from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.audit import job_actor
from munshi.domain.config_keys import ARCHIVE_AFTER_DAYS, AUDIT, KEEP_ARCHIVES_DAYS
from munshi.domain.job_params import NoParams
from munshi.jobs.run import JobRun


class ArchivingServices(Protocol):
    """What the job needs of the desk."""

    @property
    def archives(self) -> ArchiveService: ...

    @property
    def config(self) -> ConfigService: ...

    @property
    def clock(self) -> Clock: ...


def run(services: ArchivingServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Archive, then drop. A job that is stopped amid that leaves what the next run ends."""
    days: int = services.config.value(AUDIT, ARCHIVE_AFTER_DAYS)
    keep_days: int = services.config.value(AUDIT, KEEP_ARCHIVES_DAYS)
    actor = job_actor(run.job_id)

    def told(what: str, done: int, total: int) -> None:
        run.progress(min(90.0, 90 * done / max(total, 1)), f"{what}: {done:,} of {total:,}")

    made = services.archives.archive(
        before=services.clock.now() - timedelta(days=days), actor=actor, told=told
    )
    run.progress(90, f"Dropping archives of more than {keep_days} days ago.")
    dropped = services.archives.drop(keep=timedelta(days=keep_days), actor=actor)
    return {
        "days": days,
        "keep_days": keep_days,
        "archives": [each.name for each in made],
        "rows": sum(each.rows for each in made),
        "dropped": [each.name for each in dropped],
    }
