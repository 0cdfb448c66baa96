"""Silences on pages: tell nobody of some alerts for a while, with a reason."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.job_filters import read_moment
from munshi.dashboard.look import Look
from munshi.errors import AlertSilenceInvalidError, AlertSilenceUnknownError, RequestInvalidError

HOURS = {"1": "an hour", "4": "4 hours", "24": "a day", "168": "a week"}
_Pattern = Annotated[str, Query(max_length=200)]


class SilencePages:
    """What is silenced still fires and is shown; it is only not told."""

    def __init__(self, services: Services, look: Look) -> None:
        self._alerts = services.alerts
        self._clock = services.clock
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        for path, form, do in (
            ("/ui/alerts/silences/new", self.form, self.add),
            ("/ui/alerts/silences/{silence}/end", self.ask_end, self.end),
        ):
            router.add_api_route(path, form, include_in_schema=False)
            router.add_api_route(path, do, methods=["POST"], include_in_schema=False)

    @allows(Role.OPERATOR)
    def form(self, request: Request, pattern: _Pattern = "") -> Response:
        return self._form(request, {"pattern": pattern, "hours": "4"})

    @allows(Role.OPERATOR)
    def add(self, request: Request, typed: Typed) -> Response:
        """Until `until`, or for some hours where that is empty."""
        try:
            self._alerts.silence(
                typed.get("pattern", ""),
                reason=typed.get("reason", ""),
                ends_at=self._end(typed),
                actor=actor_of(request),
            )
        except (AlertSilenceInvalidError, RequestInvalidError) as error:
            return self._form(request, typed, error=error.detail)
        return RedirectResponse("/ui/alerts?done=silence", status_code=303)

    @allows(Role.OPERATOR)
    def ask_end(self, silence: str, request: Request) -> Response:
        wanted = _id(silence)
        for each in self._alerts.list_silences():
            if each.silence_id == wanted:
                return ask(
                    self._look,
                    request,
                    title="End this silence?",
                    about=f"{each.pattern}: {each.reason}",
                    means="What still fires and was not told is told then.",
                    yes="Yes, end it",
                    back="/ui/alerts",
                )
        raise _over()

    @allows(Role.OPERATOR)
    def end(self, silence: str, request: Request) -> Response:
        self._alerts.end_silence(_id(silence), actor=actor_of(request))
        return RedirectResponse("/ui/alerts?done=heard", status_code=303)

    def _end(self, typed: dict[str, str]) -> datetime:
        until = read_moment("until", typed.get("until", "").strip())
        if until is not None:
            return until
        hours = typed.get("hours", "")
        if hours not in HOURS:
            raise AlertSilenceInvalidError("A silence needs an end.")
        return self._clock.now() + timedelta(hours=int(hours))

    def _form(self, request: Request, typed: dict[str, str], *, error: str = "") -> Response:
        return self._look.page(
            request,
            "silence.html",
            title="Silence alerts",
            status=422 if error else 200,
            typed=typed,
            hours=HOURS,
            error=error,
        )


def _id(silence: str) -> UUID:
    try:
        return UUID(silence)
    except ValueError:
        raise _over() from None


def _over() -> AlertSilenceUnknownError:
    return AlertSilenceUnknownError("There is no such silence, or it has ended.")
