"""Configuration on pages: every setting, the form that changes it, and its history."""

from itertools import zip_longest
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows, facts_of
from munshi.api.sensitive import require_right_to_change
from munshi.bootstrap import Services
from munshi.config.change_set import Wanted
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.config_form import fields_of, value_of
from munshi.dashboard.look import Look
from munshi.domain.config_keys import TYPES, ConfigKey, find_key, keys_of_type
from munshi.errors import ConfigValueInvalidError, ConfigVersionConflictError

HISTORY_SHOWN = 50
_Name = Annotated[str, Path(max_length=150)]
_MOST_VERSION = 2**31


class ConfigPages:
    """A change names the version that was seen: whoever comes second is told."""

    def __init__(self, services: Services, look: Look) -> None:
        self._config = services.config
        self._past = services.config_past
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        one = "/ui/configuration/{config_type}/{config_key}"
        for path, call, method in (
            ("/ui/configuration", self.everything, "GET"),
            (one, self.setting, "GET"),
            (one, self.change, "POST"),
            (f"{one}/default", self.ask_default, "GET"),
            (f"{one}/default", self.default, "POST"),
        ):
            router.add_api_route(path, call, methods=[method], include_in_schema=False)

    @allows(Role.VIEWER)
    def everything(self, request: Request) -> Response:
        views = self._config.list_all()
        groups = [
            (name, words, [view for view in views if view.config_type == name])
            for name, words in TYPES.items()
        ]
        families = [key for name in TYPES for key in keys_of_type(name) if key.pattern is not None]
        return self._look.page(
            request, "configs.html", title="Configuration", groups=groups, families=families
        )

    @allows(Role.VIEWER)
    def setting(self, config_type: _Name, config_key: _Name, request: Request) -> Response:
        key = find_key(config_type, config_key)
        fields = fields_of(key, self._config.view(config_type, config_key))
        return self._page(request, key, config_key, fields=fields)

    @allows(Role.OPERATOR)
    def change(
        self, config_type: _Name, config_key: _Name, request: Request, typed: Typed
    ) -> Response:
        """Store what was typed; what is wrong with it is said beside it, and nothing is lost."""
        require_right_to_change(request, [(config_type, config_key)])
        key, view = find_key(config_type, config_key), self._config.view(config_type, config_key)
        wanted = Wanted(
            config_type=config_type,
            config_key=config_key,
            value=value_of(key, typed),
            expected_version=_version(typed),
        )
        try:
            _check_typed(key, typed)
            self._config.change([wanted], actor=actor_of(request))
        except ConfigValueInvalidError as error:
            said = " ".join(filter(None, (error.detail, error.hint)))
            fields = fields_of(key, view, typed=typed, error=said)
            version = _version(typed)
            return self._page(request, key, config_key, fields=fields, status=422, version=version)
        except ConfigVersionConflictError as error:
            fields = fields_of(key, view, typed=typed)
            return self._page(
                request, key, config_key, fields=fields, status=error.status, is_late=True
            )
        return _to(config_type, config_key, done="stored")

    @allows(Role.OPERATOR)
    def ask_default(self, config_type: _Name, config_key: _Name, request: Request) -> Response:
        require_right_to_change(request, [(config_type, config_key)])
        view = self._config.view(config_type, config_key)
        return ask(
            self._look,
            request,
            title="Put the default back?",
            about=f"{config_type}/{config_key}",
            means="What is set now goes into the history."
            if not view.is_secret
            else "It is forgotten for good: history keeps no secrets.",
            yes="Yes, put the default back",
            back=f"/ui/configuration/{config_type}/{config_key}",
            fields={"version": str(view.version)},
        )

    @allows(Role.OPERATOR)
    def default(
        self, config_type: _Name, config_key: _Name, request: Request, typed: Typed
    ) -> Response:
        require_right_to_change(request, [(config_type, config_key)])
        self._config.set(
            config_type,
            config_key,
            None,
            expected_version=_version(typed),
            actor=actor_of(request),
        )
        return _to(config_type, config_key, done="default")

    def _page(
        self,
        request: Request,
        key: ConfigKey,
        config_key: str,
        *,
        status: int = 200,
        version: int | None = None,
        is_late: bool = False,
        **context: Any,  # noqa: ANN401 - what the template shows
    ) -> Response:
        view = self._config.view(key.config_type, config_key)
        role = facts_of(request).principal.role
        changes = self._past.history(key.config_type, config_key, HISTORY_SHOWN + 1)
        return self._look.page(
            request,
            "config.html",
            title=f"Setting {config_key}",
            status=status,
            view=view,
            key=key,
            version=view.version if version is None else version,
            is_late=is_late,
            may_change=role >= (Role.ADMIN if key.needs_admin else Role.OPERATOR),
            history=list(zip_longest(changes, changes[1:]))[:HISTORY_SHOWN],
            **context,
        )


def _to(config_type: str, config_key: str, *, done: str) -> Response:
    leads_to = f"/ui/configuration/{config_type}/{config_key}?done={done}"
    return RedirectResponse(leads_to, status_code=303)


def _check_typed(key: ConfigKey, typed: dict[str, str]) -> None:
    """A secret's field is empty at first, so empty means no change."""
    if key.is_secret and not typed.get("value"):
        raise ConfigValueInvalidError("Nothing was typed, so nothing was changed.")


def _version(typed: dict[str, str]) -> int:
    """The version that was seen. Raises ConfigVersionConflictError for a form without one."""
    text = typed.get("version", "")
    if not text.isdecimal() or int(text[:20]) > _MOST_VERSION:
        raise ConfigVersionConflictError(
            "The form does not say which version was seen.", hint="Open the setting again."
        )
    return int(text)
