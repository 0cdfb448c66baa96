"""Background jobs: ask for one, watch it, stop it, clear up."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.answers import Body, Shown
from munshi.api.instants import Moment
from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.domain.config_keys import JOBS, KEEP_DAYS
from munshi.domain.jobs import AttemptOutcome, Job, JobAttempt, JobState
from munshi.jobs.service import JobRequest
from munshi.settings import BrokerMode

_Limit = Annotated[int, Query(ge=1, le=500)]


class JobAsked(Body):
    job_type: str = Field(min_length=1, max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)
    priority: int = Field(default=0, ge=-100, le=100)
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=200)
    run_at: Moment | None = None

    def to_request(self) -> JobRequest:
        return JobRequest(
            priority=self.priority, idempotency_key=self.idempotency_key, run_at=self.run_at
        )


class CleanupRequest(Body):
    days: int = Field(ge=0, le=36_500)


class AttemptShown(Shown):
    attempt: int
    worker_id: str
    lease_until: datetime
    heartbeat_at: datetime
    started_at: datetime
    finished_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None


class JobShown(Shown):
    job_id: UUID
    job_type: str
    state: JobState
    progress_percent: float
    message: str
    parameters: Mapping[str, Any]
    result: Mapping[str, Any] | None = Field(validation_alias="result_data")
    error: str | None = Field(validation_alias="error_details")
    priority: int
    attempt: int
    max_attempts: int
    run_at: datetime
    created_by: str
    idempotency_key: str | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime | None


class JobAnswer(JobShown):
    """One job; `mode` says which brokers it speaks to."""

    mode: BrokerMode


class JobStatusAnswer(JobAnswer):
    attempts: list[AttemptShown]


class JobsAnswer(Shown):
    mode: BrokerMode
    jobs: list[JobShown]
    next_cursor: str | None = None


class JobCleanupAnswer(Shown):
    deleted: int
    days: int


class JobRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._jobs = services.jobs
        self._mode = services.settings.brokers

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["jobs"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/jobs/status/{job_id}", self.status, **options)
        router.add_api_route("/jobs/recent", self.recent, **options)
        router.add_api_route("/jobs/running", self.running, **options)
        router.add_api_route("/jobs/cleanup", self.cleanup, **post)
        router.add_api_route("/jobs", self.enqueue, status_code=202, **post)
        router.add_api_route("/jobs/{job_id}/cancel", self.cancel, **post)

    @allows(Role.VIEWER)
    def status(self, job_id: str) -> JobStatusAnswer:
        """Where a job stands, its result or its error, and every attempt at it."""
        job = self._jobs.get(job_id)
        attempts = [_attempt_shown(each) for each in self._jobs.attempts(job_id)]
        return JobStatusAnswer(**_job_fields(job), mode=self._mode, attempts=attempts)

    @allows(Role.VIEWER)
    def recent(
        self,
        limit: _Limit = 50,
        state: Annotated[list[JobState] | None, Query()] = None,
        job_type: str | None = None,
        cursor: str | None = None,
    ) -> JobsAnswer:
        """Jobs, newest first. `state` may be given several times."""
        page = self._jobs.recent(limit, states=state, job_type=job_type, cursor=cursor)
        return JobsAnswer(
            mode=self._mode,
            jobs=[JobShown.model_validate(job) for job in page.jobs],
            next_cursor=page.next_cursor,
        )

    @allows(Role.VIEWER)
    def running(self) -> JobsAnswer:
        """Jobs that a worker holds right now."""
        jobs = [JobShown.model_validate(job) for job in self._jobs.running()]
        return JobsAnswer(mode=self._mode, jobs=jobs)

    @allows(Role.OPERATOR)
    def cleanup(self, request: Request, body: CleanupRequest | None = None) -> JobCleanupAnswer:
        """Delete jobs that ended more than `days` days ago (configuration `jobs/keep_days`)."""
        days = body.days if body else int(self._services.config.value(JOBS, KEEP_DAYS))
        deleted = self._jobs.cleanup(days, actor=actor_of(request))
        return JobCleanupAnswer(deleted=deleted, days=days)

    @allows(Role.OPERATOR)
    def enqueue(self, body: JobAsked, request: Request, response: Response) -> JobAnswer:
        """Ask for a job. With an `idempotency_key`, the live job of that key is answered."""
        job = self._jobs.enqueue(
            body.job_type,
            body.parameters,
            actor=actor_of(request),
            request=body.to_request(),
        )
        response.headers["Location"] = f"/jobs/status/{job.job_id}"
        return JobAnswer(**_job_fields(job), mode=self._mode)

    @allows(Role.OPERATOR)
    def cancel(self, job_id: str, request: Request) -> JobAnswer:
        """Cancel at once, or tell a running job to stop; 409 if it is over."""
        job = self._jobs.cancel(job_id, actor=actor_of(request))
        return JobAnswer(**_job_fields(job), mode=self._mode)


def _job_fields(job: Job) -> dict[str, Any]:
    shown = JobShown.model_validate(job).model_dump()
    return {**shown, "result_data": shown["result"], "error_details": shown["error"]}


def _attempt_shown(attempt: JobAttempt) -> AttemptShown:
    return AttemptShown.model_validate(attempt)
