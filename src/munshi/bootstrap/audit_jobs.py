"""The job types that look after the audit trail."""

from collections.abc import Mapping
from types import MappingProxyType

from munshi.domain.job_params import NoParams
from munshi.domain.job_specs import Backoff, JobSpec
from munshi.domain.jobs import AUDIT_ARCHIVE, AUDIT_VERIFICATION

AUDIT_JOBS: Mapping[str, JobSpec] = MappingProxyType(
    {
        # Whoever has the turn keeps it a minute at most, so a second try comes through.
        AUDIT_ARCHIVE: JobSpec(
            params=NoParams,
            entry="munshi.maintenance.audit_job:run",
            runs_in="thread",
            idempotent=True,
            backoff=Backoff(first_seconds=90),
        ),
        AUDIT_VERIFICATION: JobSpec(
            params=NoParams,
            entry="munshi.maintenance.audit_job:verify",
            runs_in="thread",
            idempotent=True,
        ),
    }
)
