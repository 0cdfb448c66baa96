"""Channels: where alerts are told. Their addresses go in and never come out."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, SecretStr
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.api.routes.alerts import MessageShown, message_shown
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.domain.alerts import Severity

_Name = Annotated[str, Path(max_length=50)]


class ChannelRequest(Body):
    """`url` is as Apprise has it: `tgram://TOKEN/CHAT`, `mailto://…`, `json://…`."""

    name: Annotated[str, Field(min_length=1, max_length=50)]
    url: Annotated[SecretStr, Field(min_length=1, max_length=2000)]
    least_severity: Severity = Severity.WARNING


class ChannelShown(Shown):
    """`kind` is the kind of address; the address itself is not shown."""

    name: str
    kind: str
    least_severity: Severity
    created_by: str
    created_at: datetime


class ChannelsAnswer(Shown):
    channels: list[ChannelShown]


class AlertChannelRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._people = services.people
        self._channels = services.alert_channels

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["alerts"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/alerts/channels", self.all_channels, **options)
        router.add_api_route("/alerts/channels", self.add, **post)
        router.add_api_route("/alerts/channels/{name}/test", self.test, **post)
        router.add_api_route("/alerts/channels/{name}/remove", self.remove, **post)

    @allows(Role.OPERATOR)
    def all_channels(self) -> ChannelsAnswer:
        """Every channel by name, without its address."""
        return ChannelsAnswer(
            channels=[ChannelShown.model_validate(each) for each in self._channels.list_channels()]
        )

    @allows(Role.ADMIN)
    def add(self, body: ChannelRequest, request: Request) -> ChannelShown:
        """A new channel; asks for a password given recently, for alerts may hold login links."""
        confirmed(request, self._people)
        made = self._channels.add(
            body.name,
            body.url.get_secret_value(),
            least_severity=body.least_severity,
            actor=actor_of(request),
        )
        return ChannelShown.model_validate(made)

    @allows(Role.OPERATOR)
    def test(self, name: _Name, request: Request) -> MessageShown:
        """Send one message now and say what came back; may take as long as a channel may."""
        return message_shown(self._channels.test(name, actor=actor_of(request)))

    @allows(Role.ADMIN)
    def remove(self, name: _Name, request: Request) -> ChannelsAnswer:
        """Tell nothing there any more; asks for a password given recently. Those that are left."""
        confirmed(request, self._people)
        self._channels.remove(name, actor=actor_of(request))
        return self.all_channels()
