"""The configuration's past on pages: revisions, and the way back with a look at it first."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.api.sensitive import require_right_to_change
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed
from munshi.dashboard.look import Look
from munshi.errors import ConfigVersionConflictError

SHOWN = 50
_LARGEST = 2**62
_Revision = Annotated[int, Path(ge=0, le=_LARGEST)]
_Before = Annotated[int | None, Query(ge=1, le=_LARGEST)]
_Text = Annotated[str, Query(max_length=150)]


class ConfigPastPages:
    """What was looked at is what is changed: the form names the revision it was worked out at."""

    def __init__(self, services: Services, look: Look) -> None:
        self._past = services.config_past
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/configuration/revisions", self.revisions, include_in_schema=False)
        path = "/ui/configuration/revisions/{revision}"
        router.add_api_route(path, self.preview, include_in_schema=False)
        router.add_api_route(path, self.go_back, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def revisions(self, request: Request, before: _Before = None) -> Response:
        found = self._past.revisions(before=before, limit=SHOWN)
        return self._look.page(
            request,
            "config_revisions.html",
            title="Revisions of the configuration",
            revisions=found,
            before=before,
            older=found[-1].revision if len(found) == SHOWN else None,
        )

    @allows(Role.VIEWER)
    def preview(
        self, revision: _Revision, request: Request, config_type: _Text = "", config_key: _Text = ""
    ) -> Response:
        """What going back would change, of one setting where it is named."""
        plan = self._past.plan_rollback(revision, only=_only(config_type, config_key))
        return self._look.page(
            request,
            "config_rollback.html",
            title=f"Back to revision {revision}?",
            plan=plan,
            config_type=config_type,
            config_key=config_key,
        )

    @allows(Role.OPERATOR)
    def go_back(self, revision: _Revision, request: Request, typed: Typed) -> Response:
        only = _only(typed.get("config_type", ""), typed.get("config_key", ""))
        seen = typed.get("current", "")
        if not seen.isdecimal() or len(seen) > len(str(_LARGEST)):
            raise ConfigVersionConflictError(
                "The form does not say what was looked at.", hint="Look at the way back again."
            )
        plan = self._past.plan_rollback(revision, only=only)
        require_right_to_change(
            request, [(each.config_type, each.config_key) for each in plan.changes]
        )
        self._past.rollback(
            revision, only=only, expected_revision=int(seen), actor=actor_of(request)
        )
        leads_to = "/ui/configuration/revisions" if only is None else "/".join(_path(*only))
        return RedirectResponse(f"{leads_to}?done=back", status_code=303)


def _only(config_type: str, config_key: str) -> tuple[str, str] | None:
    return (config_type, config_key) if config_type or config_key else None


def _path(config_type: str, config_key: str) -> tuple[str, str, str]:
    return "/ui/configuration", config_type, config_key
