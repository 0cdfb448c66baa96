"""The `backtest_audit` job."""

from typing import Any, Protocol

from munshi.backtest.auditing import AuditKeeper
from munshi.domain.backtest.audits import AuditParams
from munshi.jobs.run import JobRun


class AuditServices(Protocol):
    """What this job needs of the desk."""

    @property
    def backtest_audits(self) -> AuditKeeper: ...


def run(services: AuditServices, run: JobRun, parameters: AuditParams) -> dict[str, Any]:
    """Audit, store, and tell in short; a run that peeks is a finding, not a failure."""
    kept = services.backtest_audits.run(
        parameters, job_id=run.job_id, attempt=run.attempt, progress=run.progress
    )
    return {
        "audit_id": str(kept.audit_id),
        "run_id": str(kept.run_id),
        "is_clean": kept.found.is_clean,
        "days_cut": kept.found.days_cut,
    }
