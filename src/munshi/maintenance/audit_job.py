"""The jobs of the audit trail.

`audit_archive` moves old rows into archives and drops archives that are too old;
`audit_verification` compares all of it with its seals.
"""

from datetime import timedelta
from typing import Any, Protocol

from munshi.audit.archive_service import ArchiveService
from munshi.audit.ledger_service import LedgerService
from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.audit import job_actor
from munshi.domain.config_keys import ARCHIVE_AFTER_DAYS, AUDIT, KEEP_ARCHIVES_DAYS
from munshi.domain.job_params import NoParams
from munshi.jobs.run import JobRun

MOST_FINDINGS = 50


class ArchivingServices(Protocol):
    """What the job needs of the desk."""

    @property
    def archives(self) -> ArchiveService: ...

    @property
    def config(self) -> ConfigService: ...

    @property
    def clock(self) -> Clock: ...


class VerifyingServices(Protocol):
    """What verifying needs of the desk."""

    @property
    def ledger(self) -> LedgerService: ...


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


def verify(services: VerifyingServices, run: JobRun, _: NoParams) -> dict[str, Any]:
    """Check every row, seal and archive. What is wrong is told here, and raises an alert."""

    def told(done: int, total: int) -> None:
        run.progress(min(99.0, 99 * done / max(total, 1)), f"{done:,} of {total:,} rows")

    report = services.ledger.verify(told=told)
    return {
        "is_sound": report.is_sound,
        "rows": report.rows,
        "archived_rows": report.archived_rows,
        "unsealed": report.unsealed,
        "blocks": report.blocks,
        "archives": report.archives,
        "signatures_checked": report.signatures_checked,
        "count": report.count,
        "findings": [
            {"trouble": str(each.trouble), "detail": each.detail, "audit_id": each.audit_id}
            for each in report.findings[:MOST_FINDINGS]
        ],
    }
