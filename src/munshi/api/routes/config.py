"""Configuration: every value with its version; secrets only as set or not set."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.answers import Body, Shown
from munshi.api.conditions import check_if_match, etag, is_unchanged
from munshi.api.roles import Role, actor_of, allows
from munshi.api.sensitive import require_right_to_change
from munshi.bootstrap import Services
from munshi.config.change_set import Wanted
from munshi.config.views import ConfigView
from munshi.domain.config_schema import config_schema

_Key = Annotated[str, Path(max_length=150)]
_CONDITIONS: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not changed since the ETag that If-None-Match names."}
}


class ConfigChangeRequest(Body):
    """`null` puts the default back. With `expected_version`, 412 if somebody was faster."""

    value: Any
    expected_version: int | None = Field(default=None, ge=0)


class ConfigWanted(ConfigChangeRequest):
    """One of several values that belong together."""

    config_type: str = Field(max_length=50)
    config_key: str = Field(max_length=150)


class ConfigChangesRequest(Body):
    """Values of any types, stored together under one revision or not at all.

    With `expected_revision`, 412 if anything at all was changed since.
    """

    changes: list[ConfigWanted] = Field(min_length=1, max_length=500)
    expected_revision: int | None = Field(default=None, ge=0)


class ConfigShown(Shown):
    """`value` of a secret is always null; version 0 is a default that was never changed.

    `is_read` is false for what is kept from an older install and read by nothing yet.
    """

    config_type: str
    config_key: str
    value: Any
    is_secret: bool
    is_set: bool
    version: int
    revision: int
    kind: str
    allowed: str
    unit: str
    restart_needed: bool
    is_read: bool
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
        read = options | {"responses": _CONDITIONS}
        router.add_api_route("/config/all", self.everything, response_model=ConfigsAnswer, **read)
        router.add_api_route("/config/schema", self.schema, **options)
        router.add_api_route("/config", self.change_several, methods=["PATCH"], **options)
        router.add_api_route(
            "/config/{config_type}", self.of_type, response_model=ConfigsAnswer, **read
        )
        router.add_api_route(
            "/config/{config_type}/{config_key}", self.one, response_model=ConfigShown, **read
        )
        for method in ("POST", "PUT"):
            router.add_api_route(
                "/config/{config_type}/{config_key}", self.change, methods=[method], **options
            )

    @allows(Role.VIEWER)
    def everything(self, request: Request, response: Response) -> Any:  # noqa: ANN401
        """Every declared and stored value, by type and key. The ETag is that of the revision."""
        tag = etag("r", self._config.revision())
        return _unless_unchanged(request, response, tag) or _shown(self._config.list_all())

    @allows(Role.VIEWER)
    def schema(self) -> dict[str, Any]:
        """JSON Schema of every key, with `x-unit`, `x-secret`, `x-restart-needed`, `x-read`."""
        return config_schema()

    @allows(Role.VIEWER)
    def of_type(self, config_type: _Key, request: Request, response: Response) -> Any:  # noqa: ANN401
        """Every declared and stored value of one type. The ETag is that of the revision."""
        tag = etag("r", self._config.revision())
        found = self._config.list_type(config_type)
        return _unless_unchanged(request, response, tag) or _shown(found)

    @allows(Role.VIEWER)
    def one(self, config_type: _Key, config_key: _Key, request: Request, response: Response) -> Any:  # noqa: ANN401
        """One value. The ETag is that of its version."""
        found = self._config.view(config_type, config_key)
        tag = etag("v", found.version)
        return _unless_unchanged(request, response, tag) or ConfigShown.model_validate(found)

    @allows(Role.OPERATOR)
    def change(
        self,
        config_type: _Key,
        config_key: _Key,
        body: ConfigChangeRequest,
        request: Request,
        response: Response,
    ) -> ConfigShown:
        """Store a value as its next version, with history and audit; If-Match is honoured.

        What decides who gets in is an administrator's to change.
        """
        require_right_to_change(request, [(config_type, config_key)])
        expected = body.expected_version
        seen = self._config.view(config_type, config_key).version
        if check_if_match(request, etag("v", seen)) and expected is None:
            expected = seen
        wanted = Wanted(
            config_type=config_type,
            config_key=config_key,
            value=body.value,
            expected_version=expected,
        )
        view = self._config.change([wanted], actor=actor_of(request))[0]
        response.headers["ETag"] = etag("v", view.version)
        return ConfigShown.model_validate(view)

    @allows(Role.OPERATOR)
    def change_several(
        self, body: ConfigChangesRequest, request: Request, response: Response
    ) -> ConfigsAnswer:
        """Store values of any types together under one revision; If-Match is the revision's."""
        require_right_to_change(
            request, [(change.config_type, change.config_key) for change in body.changes]
        )
        expected = body.expected_revision
        seen = self._config.revision()
        if check_if_match(request, etag("r", seen)) and expected is None:
            expected = seen
        views = self._config.change(
            [
                Wanted(
                    config_type=change.config_type,
                    config_key=change.config_key,
                    value=change.value,
                    expected_version=change.expected_version,
                )
                for change in body.changes
            ],
            expected_revision=expected,
            actor=actor_of(request),
        )
        response.headers["ETag"] = etag("r", views[0].revision)
        return _shown(views)


def _unless_unchanged(request: Request, response: Response, tag: str) -> Response | None:
    """304 if the caller has it already; else the answer to come gets its tag."""
    if is_unchanged(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return None


def _shown(views: list[ConfigView]) -> ConfigsAnswer:
    return ConfigsAnswer(values=[ConfigShown.model_validate(view) for view in views])
