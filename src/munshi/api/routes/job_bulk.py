"""Many jobs at once: shown first, then retried, cancelled or discarded."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.api.routes.job_shapes import JobsChosen, JobShown
from munshi.bootstrap import Services
from munshi.domain.jobs import JobState
from munshi.jobs.bulk import MOST, BulkAction
from munshi.settings import BrokerMode


class BulkAsked(JobsChosen):
    """The same filter, and how many jobs it was seen to mean."""

    jobs: int = Field(ge=0, le=MOST, description="As the preview showed; more are not touched.")


class JobCountShown(Shown):
    job_type: str
    state: JobState
    jobs: int


class BulkPreviewAnswer(Shown):
    """`newest` are some of the `jobs`."""

    mode: BrokerMode
    action: BulkAction
    jobs: int
    counts: list[JobCountShown]
    newest: list[JobShown]


class BulkAnswer(Shown):
    """`skipped` had moved on by themselves, or another job stood in their way."""

    action: BulkAction
    done: int
    skipped: int


class JobBulkRoutes:
    """The filter must not mean more jobs than whoever asks has seen."""

    def __init__(self, services: Services) -> None:
        self._bulk = services.job_bulk
        self._mode = services.settings.brokers

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["jobs"], "methods": ["POST"]}
        router.add_api_route("/jobs/bulk/{action}/preview", self.preview, **options)
        router.add_api_route("/jobs/bulk/{action}", self.apply, **options)

    @allows(Role.OPERATOR)
    def preview(self, action: BulkAction, body: JobsChosen) -> BulkPreviewAnswer:
        """Which jobs the action would change; nothing is done. Without `state`: those it is for."""
        found = self._bulk.preview(action, body.to_filter())
        return BulkPreviewAnswer(
            mode=self._mode,
            action=action,
            jobs=found.jobs,
            counts=[JobCountShown.model_validate(count) for count in found.counts],
            newest=[JobShown.model_validate(job) for job in found.newest],
        )

    @allows(Role.OPERATOR)
    def apply(self, action: BulkAction, body: BulkAsked, request: Request) -> BulkAnswer:
        """Do it; 409, and nothing is done, if by now more than `jobs` fit the filter."""
        outcome = self._bulk.apply(
            action, body.to_filter(), actor=actor_of(request), at_most=body.jobs
        )
        return BulkAnswer(action=action, done=outcome.done, skipped=outcome.skipped)
