"""Queues and workers on a page: what waits, what is paused, who works."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.look import Look, may_act_of
from munshi.dashboard.parts import Part, alive
from munshi.dashboard.today import SILENT_AFTER
from munshi.domain.jobs import PauseKind

_Reason = Annotated[str, Form(max_length=500)]


class QueuePages:
    """Pausing takes a word of why; what runs goes on."""

    def __init__(self, services: Services, look: Look) -> None:
        self._queues = services.queues
        self._clock = services.clock
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/queues", self.queues, include_in_schema=False)
        for act, call in (("pause", self.pause), ("resume", self.resume)):
            path = f"/ui/queues/{{kind}}/{{name}}/{act}"
            router.add_api_route(path, call, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def queues(self, request: Request) -> Response:
        part = self.part(may_act=may_act_of(request))
        names = [queue.name for queue in self._queues.board().queues]
        return self._look.page(
            request,
            "queues.html",
            title="Queues and workers",
            alive=alive(part, "/ui/live/queues"),
            names=names,
        )

    @allows(Role.OPERATOR)
    def pause(self, kind: PauseKind, name: str, request: Request, reason: _Reason = "") -> Response:
        self._queues.pause(kind, name, reason=reason.strip() or None, actor=actor_of(request))
        return RedirectResponse("/ui/queues?done=pause", status_code=303)

    @allows(Role.OPERATOR)
    def resume(self, kind: PauseKind, name: str, request: Request) -> Response:
        self._queues.resume(kind, name, actor=actor_of(request))
        return RedirectResponse("/ui/queues?done=resume", status_code=303)

    def part(self, *, may_act: bool) -> Part:
        return Part(key=("queues", may_act), draw=partial(self._draw, may_act=may_act))

    def _draw(self, *, may_act: bool) -> Markup:
        board, now = self._queues.board(), self._clock.now()
        silent = {
            worker.worker_id for worker in board.workers if now - worker.heartbeat_at > SILENT_AFTER
        }
        return self._look.fragment("queues_part.html", may_act=may_act, board=board, silent=silent)
