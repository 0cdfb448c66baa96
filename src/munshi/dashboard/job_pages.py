"""Jobs on pages: the list with its filters, and one job with all that is known of it."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.bootstrap import JOB_TYPES, Services
from munshi.dashboard.job_filters import JobQuery
from munshi.dashboard.look import Look, may_act_of
from munshi.dashboard.parts import Part, alive
from munshi.domain.jobs import Job, JobState
from munshi.errors import JobUnknownError
from munshi.infrastructure.database.job_repository import JobFilter
from munshi.jobs.bulk import BulkAction
from munshi.jobs.service import known_id

SHOWN = 50
CHILDREN_SHOWN = 50
LINES_SHOWN = 200
COUNTED_TO = 1000
_Cursor = Annotated[str | None, Query(max_length=300)]
_RETRIED = frozenset({JobState.FAILED, JobState.DEAD, JobState.HELD, JobState.CANCELLED})


def acts_for(job: Job) -> tuple[BulkAction, ...]:
    """What a person may do with the job as it stands."""
    found = []
    if not job.state.is_final and not job.cancel_requested:
        found.append(BulkAction.CANCEL)
    if job.state in _RETRIED and job.imported_from is None:
        found.append(BulkAction.RETRY)
    if job.state.is_final:
        found.append(BulkAction.DISCARD)
    return tuple(found)


def runs_again(job: Job) -> bool:
    """Whether another job may be made of it: it has ended, and is whole and our own."""
    return (
        job.state.is_final
        and job.parent_id is None
        and job.imported_from is None
        and job.job_type in JOB_TYPES
    )


class JobPages:
    """Each part is a few small reads."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/jobs", self.jobs, include_in_schema=False)
        router.add_api_route("/ui/jobs/{job_id}", self.job, include_in_schema=False)

    @allows(Role.VIEWER)
    def jobs(self, request: Request, cursor: _Cursor = None) -> Response:
        chosen = JobQuery.read(request.query_params)
        part = self.list_part(chosen, cursor=cursor or None, may_act=may_act_of(request))
        context: dict[str, Any] = {
            "alive": alive(part, "/ui/live/jobs", **chosen.given(), cursor=cursor)
        }
        if chosen.said:  # a text is looked for in every row, so not once a second
            context = {"still": part.draw()}
        return self._look.page(
            request,
            "jobs.html",
            title="Jobs",
            chosen=chosen,
            states=tuple(JobState),
            types=sorted(JOB_TYPES),
            **context,
        )

    @allows(Role.VIEWER)
    def job(self, job_id: str, request: Request) -> Response:
        job = self._services.jobs.get(job_id)
        part = self.job_part(job.job_id, may_act=may_act_of(request))
        return self._look.page(
            request,
            "job.html",
            title=f"Job {job.job_type}",
            job=job,
            alive=alive(part, f"/ui/live/jobs/{job.job_id}"),
        )

    def list_part(self, chosen: JobQuery, *, cursor: str | None, may_act: bool) -> Part:
        return Part(
            key=("jobs", chosen, cursor, may_act),
            draw=partial(self._draw_list, chosen, cursor, may_act=may_act),
        )

    def job_part(self, job_id: UUID | str, *, may_act: bool) -> Part:
        """Raises JobUnknownError for what is no id; a deleted job is told on the page."""
        known = known_id(job_id)
        return Part(
            key=("job", known, may_act),
            draw=partial(self._draw_job, known, may_act=may_act),
            look=partial(self._services.job_watch.job_signs, known),
        )

    def _draw_list(self, chosen: JobQuery, cursor: str | None, *, may_act: bool) -> Markup:
        page = self._services.jobs.recent(SHOWN, cursor=cursor, chosen=chosen.to_filter())
        return self._look.fragment(
            "jobs_part.html",
            may_act=may_act,
            page=page,
            chosen=chosen,
            cursor=cursor,
            counts=self._services.job_watch.counts(most=COUNTED_TO),
            counted_to=COUNTED_TO,
        )

    def _draw_job(self, job_id: UUID, *, may_act: bool) -> Markup:
        jobs, watch = self._services.jobs, self._services.job_watch
        try:
            job = jobs.get(job_id)
            children = jobs.recent(CHILDREN_SHOWN, chosen=JobFilter(parent_id=job_id))
            return self._look.fragment(
                "job_part.html",
                may_act=may_act,
                job=job,
                acts=acts_for(job),
                runs_again=runs_again(job),
                attempts=jobs.attempts(job_id),
                artifacts=jobs.artifacts(job_id),
                children=children,
                lines=watch.last_lines(job_id, limit=LINES_SHOWN),
                lines_shown=LINES_SHOWN,
            )
        except JobUnknownError:
            return self._look.fragment("job_gone.html", may_act=may_act)
