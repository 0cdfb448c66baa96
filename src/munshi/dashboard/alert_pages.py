"""Alerts on pages: what is open, what was, each with what was told of it, and the rules."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.asking import ask
from munshi.dashboard.look import Look, may_act_of
from munshi.dashboard.parts import Part, alive
from munshi.domain.alerts import Alert
from munshi.errors import PathUnknownError

HISTORY_SHOWN = 100
OPEN_SHOWN = 500
_Cursor = Annotated[str | None, Query(max_length=300)]
_Alert = Annotated[str, Path(max_length=200)]
_MEANS = {
    "acknowledge": "Somebody looks after it: it is not told again until it is over.",
    "resolve": "It is put away. If its cause is still there, it comes back.",
}


class AlertPages:
    """Acts ask first; links that may hold a login are for operators only."""

    def __init__(self, services: Services, look: Look) -> None:
        self._alerts = services.alerts
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, call, method in (
            ("/ui/alerts", self.open_ones, "GET"),
            ("/ui/alerts/history", self.history, "GET"),
            ("/ui/alerts/rules", self.rules, "GET"),
            ("/ui/alerts/{alert}", self.one, "GET"),
            ("/ui/alerts/{alert}/{act}", self.ask, "GET"),
            ("/ui/alerts/{alert}/{act}", self.do, "POST"),
        ):
            router.add_api_route(path, call, methods=[method], include_in_schema=False)

    @allows(Role.VIEWER)
    def open_ones(self, request: Request) -> Response:
        """The gravest first."""
        part = self.part(may_act=may_act_of(request))
        return self._look.page(
            request,
            "alerts.html",
            title="Alerts",
            alive=alive(part, "/ui/live/alerts"),
            silences=self._alerts.list_silences(),
        )

    def part(self, *, may_act: bool) -> Part:
        return Part(key=("alerts", may_act), draw=partial(self._draw, may_act=may_act))

    def _draw(self, *, may_act: bool) -> Markup:
        found = sorted(self._alerts.list_open(), key=lambda alert: -alert.severity.rank)
        return self._look.fragment(
            "alerts_part.html", may_act=may_act, alerts=found[:OPEN_SHOWN], number=len(found)
        )

    @allows(Role.VIEWER)
    def history(self, request: Request, cursor: _Cursor = None) -> Response:
        return self._look.page(
            request,
            "alert_history.html",
            title="Alerts there were",
            page=self._alerts.page(cursor=cursor, limit=HISTORY_SHOWN),
            cursor=cursor,
        )

    @allows(Role.VIEWER)
    def rules(self, request: Request) -> Response:
        rules = self._alerts.list_rules()
        return self._look.page(
            request, "alert_rules.html", title="Rules for alerts", rules=rules.values()
        )

    @allows(Role.VIEWER)
    def one(self, alert: _Alert, request: Request) -> Response:
        story = self._alerts.show(alert)
        return self._look.page(
            request, "alert.html", title=f"Alert {story.alert.kind}", story=story, alert=story.alert
        )

    @allows(Role.OPERATOR)
    def ask(self, alert: _Alert, act: str, request: Request) -> Response:
        means, found = _means(act), self._alerts.show(alert).alert
        return ask(
            self._look,
            request,
            title=f"{act.title()} this alert?",
            about=found.title,
            means=means,
            yes=f"Yes, {act} it",
            back=_address(found),
        )

    @allows(Role.OPERATOR)
    def do(self, alert: _Alert, act: str, request: Request) -> Response:
        _means(act)
        found = self._alerts.show(alert).alert
        if act == "acknowledge":
            self._alerts.acknowledge(alert, actor=actor_of(request))
        else:
            self._alerts.resolve(alert, actor=actor_of(request))
        return RedirectResponse(f"{_address(found)}?done={act}", status_code=303)


def _address(alert: Alert) -> str:
    return f"/ui/alerts/{alert.alert_id}"


def _means(act: str) -> str:
    if act not in _MEANS:
        raise PathUnknownError(f"Nothing called {act[:40]!r} can be done to an alert.")
    return _MEANS[act]
