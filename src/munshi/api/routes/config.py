"""Configuration: every value with its version; secrets only as set or not set."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows, require
from munshi.bootstrap import Services
from munshi.domain.config_keys import find_key

_Key = Annotated[str, Path(max_length=100)]


class ConfigChangeRequest(Body):
    """`null` puts the default back. With `expected_version`, 412 if somebody was faster."""

    value: Any
    expected_version: int | None = Field(default=None, ge=0)


class ConfigShown(Shown):
    """`value` of a secret is always null; version 0 is a default that was never changed."""

    config_type: str
    config_key: str
    value: Any
    is_secret: bool
    is_set: bool
    version: int
    revision: int
    kind: str
    restart_needed: bool
    description: str
    updated_by: str | None
    updated_at: datetime | None


class ConfigsAnswer(Shown):
    values: list[ConfigShown]


class ConfigRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._config = services.config

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["configuration"]}
        router.add_api_route("/config/all", self.everything, **options)
        router.add_api_route("/config/{config_type}", self.of_type, **options)
        router.add_api_route(
            "/config/{config_type}/{config_key}", self.change, methods=["POST"], **options
        )

    @allows(Role.VIEWER)
    def everything(self) -> ConfigsAnswer:
        """Every declared and stored value, by type and key."""
        return _shown(self._config.list_all())

    @allows(Role.VIEWER)
    def of_type(self, config_type: _Key) -> ConfigsAnswer:
        """Every declared and stored value of one type."""
        return _shown(self._config.list_type(config_type))

    @allows(Role.OPERATOR)
    def change(
        self, config_type: _Key, config_key: _Key, body: ConfigChangeRequest, request: Request
    ) -> ConfigShown:
        """Store a value as its next version, with history and audit.

        What decides who gets in is an administrator's to change.
        """
        if find_key(config_type, config_key).needs_admin:
            require(request, Role.ADMIN)
        view = self._config.set(
            config_type,
            config_key,
            body.value,
            expected_version=body.expected_version,
            actor=actor_of(request),
        )
        return ConfigShown.model_validate(view)


def _shown(views: list[Any]) -> ConfigsAnswer:
    return ConfigsAnswer(values=[ConfigShown.model_validate(view) for view in views])
