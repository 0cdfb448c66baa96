"""Schedules: what starts by itself and when; change it, pause it, run it now, look back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.answers import Body, Shown
from munshi.api.instants import Moment
from munshi.api.roles import Role, actor_of, allows
from munshi.api.routes.job_shapes import JobAnswer, job_answer
from munshi.bootstrap import Services
from munshi.domain.schedules import ExecutionStatus
from munshi.scheduler.service import ScheduleView

_Name = Annotated[str, Path(max_length=100)]


class ScheduleRequest(Body):
    """`schedule` as GET /schedules shows it. With `preview`, nothing is stored.

    With `expected_version`, 412 if somebody was faster.
    """

    schedule: dict[str, Any]
    expected_version: int | None = Field(default=None, ge=0)
    preview: bool = False


class ExecutionShown(Shown):
    """One due time, or many that were missed in a row: from `scheduled_for` to `missed_until`."""

    status: ExecutionStatus
    scheduled_for: datetime
    execution_time: datetime | None
    success: bool | None
    job_id: UUID | None
    duration_ms: int | None
    retry_count: int
    platform: str | None
    message: str | None = Field(validation_alias="result_message")
    error: str | None = Field(validation_alias="error_details")
    missed_until: datetime | None
    missed_count: int


class ScheduleShown(Shown):
    """`schedule` is null where what is stored cannot be read; `error` says why.

    `missed` counts the runs missed in the last thirty days.
    """

    name: str
    description: str
    version: int
    is_seeded: bool
    enabled: bool
    timing: str
    schedule: dict[str, Any] | None
    next_runs: list[datetime]
    last: ExecutionShown | None
    missed: int
    error: str | None


class SchedulesAnswer(Shown):
    schedules: list[ScheduleShown]


class RemovedAnswer(Shown):
    removed: str


class HistoryAnswer(Shown):
    executions: list[ExecutionShown]


class ScheduleRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._schedules = services.schedules
        self._mode = services.settings.brokers

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["schedules"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/schedules", self.everything, **options)
        router.add_api_route("/schedules/{name}", self.one, **options)
        router.add_api_route("/schedules/{name}/history", self.history, **options)
        router.add_api_route("/schedules/{name}", self.change, **post)
        router.add_api_route("/schedules/{name}/run", self.run, status_code=202, **post)
        router.add_api_route("/schedules/{name}/pause", self.pause, **post)
        router.add_api_route("/schedules/{name}/resume", self.resume, **post)
        router.add_api_route("/schedules/{name}/remove", self.remove, **post)

    @allows(Role.VIEWER)
    def everything(self) -> SchedulesAnswer:
        """Every schedule: its timing in words, its next five runs, how the last one went."""
        return SchedulesAnswer(schedules=[_shown(view) for view in self._schedules.list_all()])

    @allows(Role.VIEWER)
    def one(self, name: _Name) -> ScheduleShown:
        """One schedule."""
        return _shown(self._schedules.get(name))

    @allows(Role.VIEWER)
    def history(
        self,
        name: _Name,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Moment | None = None,
    ) -> HistoryAnswer:
        """What a schedule did and missed, the newest due time first; older ones with `before`."""
        found = self._schedules.history(name, limit, before=before)
        return HistoryAnswer(executions=[ExecutionShown.model_validate(row) for row in found])

    @allows(Role.OPERATOR)
    def change(self, name: _Name, body: ScheduleRequest, request: Request) -> ScheduleShown:
        """Store a schedule, which every scheduler goes by within a second; or only preview it."""
        if body.preview:
            return _shown(self._schedules.preview(name, body.schedule))
        return _shown(
            self._schedules.set(
                name,
                body.schedule,
                expected_version=body.expected_version,
                actor=actor_of(request),
            )
        )

    @allows(Role.OPERATOR)
    def run(self, name: _Name, request: Request, response: Response) -> JobAnswer:
        """Ask for the schedule's job now, paused or not."""
        job = self._schedules.run(name, actor=actor_of(request))
        response.headers["Location"] = f"/jobs/status/{job.job_id}"
        return job_answer(job, self._mode)

    @allows(Role.OPERATOR)
    def pause(self, name: _Name, request: Request) -> ScheduleShown:
        """Start nothing more by this schedule until it is resumed."""
        return _shown(self._schedules.pause(name, actor=actor_of(request)))

    @allows(Role.OPERATOR)
    def resume(self, name: _Name, request: Request) -> ScheduleShown:
        """Go on with a paused schedule, from now on."""
        return _shown(self._schedules.resume(name, actor=actor_of(request)))

    @allows(Role.OPERATOR)
    def remove(self, name: _Name, request: Request) -> RemovedAnswer:
        """Forget a schedule; 409 for one that comes with Munshi, which can only be paused."""
        self._schedules.remove(name, actor=actor_of(request))
        return RemovedAnswer(removed=name)


def _shown(view: ScheduleView) -> ScheduleShown:
    return ScheduleShown(
        name=view.name,
        description=view.description,
        version=view.version,
        is_seeded=view.is_seeded,
        enabled=view.enabled,
        timing=view.timing,
        schedule=None if view.schedule is None else view.schedule.to_json(),
        next_runs=list(view.next_runs),
        last=None if view.last is None else ExecutionShown.model_validate(view.last),
        missed=view.missed,
        error=view.error,
    )
