"""What is done to jobs from pages: asked first, then done, one job or all that a filter means."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.asking import ask
from munshi.dashboard.job_filters import JobQuery
from munshi.dashboard.job_pages import acts_for, runs_again
from munshi.dashboard.look import Look, address, plain_time
from munshi.domain.jobs import Job
from munshi.errors import JobStateConflictError, PathUnknownError
from munshi.jobs.bulk import BulkAction
from munshi.jobs.service import JobRequest

_Count = Annotated[int, Form(ge=0, le=10_000_000)]


class JobActs:
    """A page that asks needs no script; the act itself is a POST."""

    def __init__(self, services: Services, look: Look) -> None:
        self._jobs = services.jobs
        self._bulk = services.job_bulk
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, form, do in (
            ("/ui/jobs/all/{act}", self.ask_for_all, self.do_to_all),
            ("/ui/jobs/{job_id}/again", self.ask_again, self.run_again),
            ("/ui/jobs/{job_id}/{act}", self.ask, self.do),
        ):
            router.add_api_route(path, form, include_in_schema=False)
            router.add_api_route(path, do, methods=["POST"], include_in_schema=False)

    @allows(Role.OPERATOR)
    def ask(self, job_id: str, act: str, request: Request) -> Response:
        """Whether this is meant; a job that has moved on is said so."""
        action, job = _action(act), self._jobs.get(job_id)
        if action not in acts_for(job):
            raise JobStateConflictError(
                f"Job {job.job_id} is {job.state}; there is nothing to {action}."
            )
        return self._look.page(
            request, "job_ask.html", title=f"{action.title()} a job", job=job, action=action
        )

    @allows(Role.OPERATOR)
    def do(self, job_id: str, act: str, request: Request) -> Response:
        action, actor = _action(act), actor_of(request)
        if action is BulkAction.DISCARD:
            self._jobs.discard(job_id, actor=actor)
            return RedirectResponse("/ui/jobs?done=discard", status_code=303)
        if action is BulkAction.CANCEL:
            job = self._jobs.cancel(job_id, actor=actor)
        else:
            job = self._jobs.retry(job_id, actor=actor)
        return RedirectResponse(f"/ui/jobs/{job.job_id}?done={action}", status_code=303)

    @allows(Role.OPERATOR)
    def ask_again(self, job_id: str, request: Request) -> Response:
        """A job of its own, told the same; this one stays as it is."""
        job = self._ended(job_id)
        return ask(
            self._look,
            request,
            title="Run it again?",
            about=f"{job.job_type} of {plain_time(job.created_at)}: {job.state}",
            means="Another job is made that is told the same; this one stays as it is.",
            yes="Yes, run it again",
            back=f"/ui/jobs/{job.job_id}",
        )

    @allows(Role.OPERATOR)
    def run_again(self, job_id: str, request: Request) -> Response:
        job = self._ended(job_id)
        again = self._jobs.enqueue(
            job.job_type,
            job.parameters,
            actor=actor_of(request),
            request=JobRequest(priority=job.priority, concurrency_key=job.concurrency_key),
        )
        return RedirectResponse(f"/ui/jobs/{again.job_id}?done=run", status_code=303)

    def _ended(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if not runs_again(job):
            raise JobStateConflictError(
                f"Job {job.job_id} is {job.state}; it cannot be run again by itself.",
                hint="Retry, or wait for its end; a part is run again with the whole.",
            )
        return job

    @allows(Role.OPERATOR)
    def ask_for_all(self, act: str, request: Request) -> Response:
        """How many jobs this means, of which types, and the newest of them."""
        chosen = JobQuery.read(request.query_params)
        preview = self._bulk.preview(_action(act), chosen.to_filter())
        return self._look.page(
            request,
            "jobs_ask.html",
            title=f"{preview.action.title()} jobs",
            preview=preview,
            chosen=chosen,
        )

    @allows(Role.OPERATOR)
    def do_to_all(self, act: str, request: Request, at_most: _Count) -> Response:
        """The filter stands in the address, and `at_most` is what the preview showed."""
        chosen = JobQuery.read(request.query_params)
        outcome = self._bulk.apply(
            _action(act), chosen.to_filter(), actor=actor_of(request), at_most=at_most
        )
        leads_to = address("/ui/jobs", **chosen.given(), done=act, jobs=outcome.done)
        return RedirectResponse(leads_to, status_code=303)


def _action(act: str) -> BulkAction:
    try:
        return BulkAction(act)
    except ValueError:
        raise PathUnknownError(f"Nothing called {act[:40]!r} can be done to a job.") from None
