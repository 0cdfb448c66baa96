"""Schedules on pages: when each starts, how it went, run it now, pause it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.look import Look, may_act_of
from munshi.dashboard.parts import Part, alive
from munshi.domain.schedules import Execution
from munshi.errors import PathUnknownError
from munshi.scheduler.day import RunState, run_state
from munshi.scheduler.service import ScheduleView

STRIP = 20
HISTORY_SHOWN = 50
_ACTS = ("run", "pause", "resume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One due time as a dot of the strip."""

    row: Execution
    state: RunState


class SchedulePages:
    """Each act asks first; what it does is the service's."""

    def __init__(self, services: Services, look: Look) -> None:
        self._schedules = services.schedules
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/schedules", self.schedules, include_in_schema=False)
        router.add_api_route("/ui/schedules/{name}", self.schedule, include_in_schema=False)
        path = "/ui/schedules/{name}/{act}"
        router.add_api_route(path, self.ask, include_in_schema=False)
        router.add_api_route(path, self.do, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def schedules(self, request: Request) -> Response:
        part = self.list_part(may_act=may_act_of(request))
        return self._look.page(
            request,
            "schedules.html",
            title="Schedules",
            alive=alive(part, "/ui/live/schedules"),
        )

    @allows(Role.VIEWER)
    def schedule(self, name: str, request: Request) -> Response:
        view = self._schedules.get(name)
        return self._look.page(
            request,
            "schedule.html",
            title=f"Schedule {name[:60]}",
            view=view,
            acts=_acts(view),
            history=_outcomes(self._schedules.history(name, HISTORY_SHOWN)),
        )

    @allows(Role.OPERATOR)
    def ask(self, name: str, act: str, request: Request) -> Response:
        return self._look.page(
            request,
            "schedule_ask.html",
            title=f"{_known(act).title()} a schedule",
            view=self._schedules.get(name),
            act=act,
        )

    @allows(Role.OPERATOR)
    def do(self, name: str, act: str, request: Request) -> Response:
        actor = actor_of(request)
        if _known(act) == "run":
            job = self._schedules.run(name, actor=actor)
            return RedirectResponse(f"/ui/jobs/{job.job_id}?done=run", status_code=303)
        if act == "pause":
            view = self._schedules.pause(name, actor=actor)
        else:
            view = self._schedules.resume(name, actor=actor)
        return RedirectResponse(f"/ui/schedules/{view.name}?done={act}", status_code=303)

    def list_part(self, *, may_act: bool) -> Part:
        return Part(key=("schedules", may_act), draw=partial(self._draw, may_act=may_act))

    def _draw(self, *, may_act: bool) -> Markup:
        rows = [
            (view, _acts(view), _outcomes(view.recent)[::-1])
            for view in self._schedules.list_all(recent=STRIP)
        ]
        return self._look.fragment("schedules_part.html", may_act=may_act, rows=rows)


def _outcomes(rows: Sequence[Execution]) -> list[Outcome]:
    return [Outcome(row=row, state=run_state(row.status, success=row.success)) for row in rows]


def _acts(view: ScheduleView) -> tuple[str, ...]:
    if view.schedule is None:
        return ()
    return ("run", "pause") if view.enabled else ("run", "resume")


def _known(act: str) -> str:
    if act not in _ACTS:
        raise PathUnknownError(f"Nothing called {act[:40]!r} can be done to a schedule.")
    return act
