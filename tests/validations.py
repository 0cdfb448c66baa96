"""A validation as a job, run by a worker of this process."""

from dataclasses import replace
from uuid import UUID

from desks import TESTER
from made_validations import asked
from munshi.bootstrap import JOB_TYPES, Services
from munshi.domain.jobs import ML_VALIDATION, Job
from munshi.domain.validation.runs import ValidationRun
from munshi.jobs.worker import Worker


def validate(services: Services, run_id: UUID, **other: object) -> Job:
    """As a job, in a thread of this process, so that the libraries are imported once."""
    job = services.jobs.enqueue(ML_VALIDATION, asked(run_id, **other), actor=TESTER)
    work(services)
    return services.jobs.get(job.job_id)


def work(services: Services) -> None:
    worker = Worker(
        services.database,
        services.clock,
        registry={ML_VALIDATION: replace(JOB_TYPES[ML_VALIDATION], runs_in="thread")},
        services=services,
        wake=services.job_wake,
        threads=1,
        artifacts=services.artifacts,
    )
    worker.run_until_idle()


def validated(services: Services, run_id: UUID, **other: object) -> ValidationRun:
    job = validate(services, run_id, **other)
    assert job.result_data is not None, job.error_details
    return services.validations.get(UUID(str(job.result_data["validation_id"])))
