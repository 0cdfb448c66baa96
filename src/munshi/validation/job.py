"""The `ml_validation` job: the one place from which the research libraries are imported."""

from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from munshi.domain.validation.params import ValidationParams
from munshi.jobs.run import JobRun
from munshi.validation.service import ValidationService
from munshi.validation.validating import Validating


class ValidationServices(Protocol):
    """What this job needs of the desk."""

    @property
    def validations(self) -> ValidationService: ...


def run(services: ValidationServices, run: JobRun, parameters: ValidationParams) -> dict[str, Any]:
    """Validate, store, and tell under which id."""
    service = services.validations
    done = service.stored_of(run.job_id)
    if done is None:
        # One thread, as OMP_NUM_THREADS=1: small fits crawl when they are shared out.
        with threadpool_limits(limits=1):
            done = Validating(service, parameters, run).run()
    return {
        "validation_id": str(done.validation_id),
        "verdict": done.verdict,
        "reason": done.reason,
        "roc_auc": done.roc_auc,
        "result_hash": done.result_hash,
    }
