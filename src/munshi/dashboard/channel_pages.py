"""Channels on pages: where alerts are told, what was sent, trying one. Never their addresses."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.look import Look
from munshi.domain.alerts import Severity
from munshi.errors import (
    AlertChannelExistsError,
    AlertChannelInvalidError,
    AlertChannelUnknownError,
    AppError,
)

MESSAGES_SHOWN = 50
_Name = Annotated[str, Path(max_length=50)]


class ChannelPages:
    """Adding and removing want a password given recently, for alerts may hold login links."""

    def __init__(self, services: Services, look: Look) -> None:
        self._people = services.people
        self._alerts = services.alerts
        self._channels = services.alert_channels
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/alerts/channels", self.channels, include_in_schema=False)
        for path, form, do in (
            ("/ui/alerts/channels/new", self.form, self.add),
            ("/ui/alerts/channels/{name}/test", self.ask_test, self.test),
            ("/ui/alerts/channels/{name}/remove", self.ask_remove, self.remove),
        ):
            router.add_api_route(path, form, include_in_schema=False)
            router.add_api_route(path, do, methods=["POST"], include_in_schema=False)

    @allows(Role.OPERATOR)
    def channels(self, request: Request) -> Response:
        return self._look.page(
            request,
            "channels.html",
            title="Channels",
            channels=self._channels.list_channels(),
            stories=self._alerts.list_messages(MESSAGES_SHOWN),
        )

    @allows(Role.ADMIN)
    def form(self, request: Request) -> Response:
        confirmed(request, self._people)
        return self._form(request, {"least_severity": "warning"})

    @allows(Role.ADMIN)
    def add(self, request: Request, typed: Typed) -> Response:
        confirmed(request, self._people)
        try:
            self._channels.add(
                typed.get("name", "").strip(),
                typed.get("url", "").strip(),
                least_severity=_severity(typed),
                actor=actor_of(request),
            )
        except (AlertChannelInvalidError, AlertChannelExistsError) as error:
            return self._form(request, typed, error=error)
        return RedirectResponse("/ui/alerts/channels?done=stored", status_code=303)

    @allows(Role.OPERATOR)
    def ask_test(self, name: _Name, request: Request) -> Response:
        return self._ask(
            request,
            name,
            title="Send a test message?",
            means="It is sent at once; you see what came back.",
            yes="Yes, send it",
        )

    @allows(Role.OPERATOR)
    def test(self, name: _Name, request: Request) -> Response:
        """May take as long as a channel may."""
        story = self._channels.test(name, actor=actor_of(request))
        return self._look.page(
            request, "channel_test.html", title=f"Test of {name}", story=story, name=name
        )

    @allows(Role.ADMIN)
    def ask_remove(self, name: _Name, request: Request) -> Response:
        confirmed(request, self._people)
        return self._ask(
            request,
            name,
            title="Remove this channel?",
            means="Nothing is told there any more, and its address is forgotten. What was sent "
            "stays on record.",
            yes="Yes, remove it",
        )

    @allows(Role.ADMIN)
    def remove(self, name: _Name, request: Request) -> Response:
        confirmed(request, self._people)
        self._channels.remove(name, actor=actor_of(request))
        return RedirectResponse("/ui/alerts/channels?done=removed", status_code=303)

    def _ask(self, request: Request, name: str, *, title: str, means: str, yes: str) -> Response:
        for each in self._channels.list_channels():
            if each.name == name:
                return ask(
                    self._look,
                    request,
                    title=title,
                    about=f"{name} ({each.kind})",
                    means=means,
                    yes=yes,
                    back="/ui/alerts/channels",
                )
        raise AlertChannelUnknownError(f"There is no channel {name!r}.")

    def _form(
        self, request: Request, typed: dict[str, str], *, error: AppError | None = None
    ) -> Response:
        return self._look.page(
            request,
            "channel.html",
            title="Add a channel",
            status=error.status if error else 200,
            typed=typed,
            severities=tuple(map(str, Severity)),
            error=error,
        )


def _severity(typed: dict[str, str]) -> Severity:
    try:
        return Severity(typed.get("least_severity", ""))
    except ValueError:
        raise AlertChannelInvalidError("Choose from which severity on it is told.") from None
