"""Changing a schedule: a form, a page between that shows the next runs, then it is stored."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.dashboard.schedule_form import LABELS, TypedSchedule, wrong_field
from munshi.domain.schedules import Schedule
from munshi.domain.triggers.interval import UNITS
from munshi.errors import AppError, ConfigVersionConflictError, RequestInvalidError
from munshi.scheduler.service import ScheduleView

_Typed = Annotated[TypedSchedule, Depends(TypedSchedule)]
_Unsure = Annotated[str, Form(max_length=10)]
_UNPROCESSABLE = 422
_CONFLICT = 412


class ScheduleEditPages:
    """Stores nothing that was not shown, and nothing over what somebody stored meanwhile."""

    def __init__(self, services: Services, look: Look) -> None:
        self._schedules = services.schedules
        self._queues = services.queues
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        path = "/ui/schedules/{name}/edit"
        router.add_api_route(path, self.form, include_in_schema=False)
        router.add_api_route(path, self.preview, methods=["POST"], include_in_schema=False)
        router.add_api_route(
            "/ui/schedules/{name}/save", self.save, methods=["POST"], include_in_schema=False
        )

    @allows(Role.OPERATOR)
    def form(self, name: str, request: Request) -> Response:
        view = self._schedules.get(name)
        typed = TypedSchedule.of(_readable(view), version=view.version)
        return self._form(request, view, typed)

    @allows(Role.OPERATOR)
    def preview(self, name: str, request: Request, typed: _Typed, again: _Unsure = "") -> Response:
        """What was typed, and when it would run; with `again` the form once more, nothing lost."""
        view = self._schedules.get(name)
        schedule = _readable(view)
        if again:
            return self._form(request, view, typed)
        if typed.version != view.version:
            return self._conflict(request, view, typed)
        try:
            would_be = self._schedules.preview(name, typed.document(name, schedule.job_type))
        except AppError as error:
            return self._wrong(request, view, typed, error)
        before = TypedSchedule.of(schedule, version=view.version)
        return self._look.page(
            request,
            "schedule_preview.html",
            title="Save the schedule?",
            view=view,
            would_be=would_be,
            typed=typed,
            changes=typed.changes_from(before),
        )

    @allows(Role.OPERATOR)
    def save(self, name: str, request: Request, typed: _Typed) -> Response:
        view = self._schedules.get(name)
        try:
            self._schedules.set(
                name,
                typed.document(name, _readable(view).job_type),
                expected_version=typed.version,
                actor=actor_of(request),
            )
        except ConfigVersionConflictError:
            return self._conflict(request, self._schedules.get(name), typed)
        except AppError as error:
            return self._wrong(request, view, typed, error)
        return RedirectResponse(f"/ui/schedules/{name}?done=saved", status_code=303)

    def _conflict(self, request: Request, view: ScheduleView, typed: TypedSchedule) -> Response:
        """What was typed stays; saved once more, it takes the place of what came between."""
        stored = TypedSchedule.of(_readable(view), version=view.version)
        return self._form(
            request,
            view,
            typed.at_version(view.version),
            status=_CONFLICT,
            theirs=typed.changes_from(stored),
            is_conflict=True,
        )

    def _wrong(
        self, request: Request, view: ScheduleView, typed: TypedSchedule, error: AppError
    ) -> Response:
        field, said = wrong_field(error, view.name)
        if not field and error.status != _UNPROCESSABLE:
            raise error
        return self._form(request, view, typed, status=_UNPROCESSABLE, wrong={field: said})

    def _form(
        self,
        request: Request,
        view: ScheduleView,
        typed: TypedSchedule,
        *,
        status: int = 200,
        wrong: dict[str, str] | None = None,
        theirs: list[tuple[str, str, str]] | None = None,
        is_conflict: bool = False,
    ) -> Response:
        return self._look.page(
            request,
            "schedule_edit.html",
            title=f"Edit schedule {view.name}",
            status=status,
            view=view,
            typed=typed,
            labels=LABELS,
            wrong=wrong or {},
            theirs=theirs or [],
            is_conflict=is_conflict,
            units=[(unit, unit) for unit in UNITS],
            queues=self._queue_choices(typed.queue),
        )

    def _queue_choices(self, typed: str) -> list[tuple[str, str]]:
        """Also what was typed, though there may be no such queue."""
        names = {queue.name for queue in self._queues.board().queues} | {typed}
        return [("", "that of the job type"), *((name, name) for name in sorted(names - {""}))]


def _readable(view: ScheduleView) -> Schedule:
    """Raises RequestInvalidError."""
    if view.schedule is None:
        raise RequestInvalidError(
            f"{view.name} cannot be edited here: {view.error}",
            hint=f"Store a whole one: munshi schedule set {view.name}",
        )
    return view.schedule
