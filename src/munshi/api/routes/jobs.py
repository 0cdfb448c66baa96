"""Background jobs: ask for one, look it up, list, retry, cancel, discard, clear up."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.answers import Body
from munshi.api.roles import Role, actor_of, allows
from munshi.api.routes.job_shapes import (
    AttemptShown,
    JobAnswer,
    JobAsked,
    JobCleanupAnswer,
    JobDiscardAnswer,
    JobsAnswer,
    JobsChosen,
    JobShown,
    JobStatusAnswer,
    Limit,
    job_answer,
    job_fields,
)
from munshi.bootstrap import Services
from munshi.domain.config_keys import JOBS, KEEP_DAYS
from munshi.domain.jobs import Job, JobState
from munshi.jobs.listing import JobPage
from munshi.jobs.service import known_id


class CleanupRequest(Body):
    days: int = Field(ge=0, le=36_500)


class JobsAsked(JobsChosen):
    """The query of a list."""

    limit: Limit = 50
    cursor: str | None = None


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
        router.add_api_route("/jobs", self.list_jobs, **options)
        router.add_api_route("/jobs/cleanup", self.cleanup, **post)
        router.add_api_route("/jobs", self.enqueue, status_code=202, **post)
        router.add_api_route("/jobs/{job_id}/cancel", self.cancel, **post)
        router.add_api_route("/jobs/{job_id}/retry", self.retry, **post)
        router.add_api_route("/jobs/{job_id}/discard", self.discard, **post)

    @allows(Role.VIEWER)
    def status(self, job_id: str) -> JobStatusAnswer:
        """Where a job stands, its result or its error, and every attempt at it."""
        job = self._jobs.get(job_id)
        attempts = [AttemptShown.model_validate(each) for each in self._jobs.attempts(job_id)]
        fields, outlook = job_fields(job), self._services.collection_outlook.of_job(job)
        if outlook is not None:
            fields["eta"] = outlook.ends_at
        return JobStatusAnswer(
            **fields,
            mode=self._mode,
            outlook=None if outlook is None else outlook.said,
            attempts=attempts,
        )

    @allows(Role.VIEWER)
    def recent(
        self,
        limit: Limit = 50,
        state: Annotated[list[JobState] | None, Query()] = None,
        job_type: str | None = None,
        cursor: str | None = None,
    ) -> JobsAnswer:
        """Jobs, newest first. `state` may be given several times."""
        return self._page(self._jobs.recent(limit, states=state, job_type=job_type, cursor=cursor))

    @allows(Role.VIEWER)
    def list_jobs(self, asked: Annotated[JobsAsked, Query()]) -> JobsAnswer:
        """Jobs that fit a filter, newest first. `state` may be given several times."""
        return self._page(
            self._jobs.recent(asked.limit, cursor=asked.cursor, chosen=asked.to_filter())
        )

    def _page(self, page: JobPage) -> JobsAnswer:
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
        return self._one(job)

    @allows(Role.OPERATOR)
    def cancel(self, job_id: str, request: Request) -> JobAnswer:
        """Cancel at once, or tell a running job to stop; its parts likewise; 409 if it is over."""
        return self._one(self._jobs.cancel(job_id, actor=actor_of(request)))

    @allows(Role.OPERATOR)
    def retry(self, job_id: str, request: Request) -> JobAnswer:
        """Queue a job that stopped without success, with all its tries before it again."""
        return self._one(self._jobs.retry(job_id, actor=actor_of(request)))

    @allows(Role.OPERATOR)
    def discard(self, job_id: str, request: Request) -> JobDiscardAnswer:
        """Delete a completed job for good, with its attempts, log and files; 409 if it is live."""
        known = known_id(job_id)
        self._jobs.discard(known, actor=actor_of(request))
        return JobDiscardAnswer(job_id=known, discarded=True)

    def _one(self, job: Job) -> JobAnswer:
        return job_answer(job, self._mode)
