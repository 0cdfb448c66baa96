"""The audit trail, newest first, a page at a time."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from munshi.api.answers import Shown
from munshi.api.instants import Moment
from munshi.api.roles import Role, allows
from munshi.audit.service import AuditPage
from munshi.bootstrap import Services
from munshi.errors import DateRangeInvalidError

_Limit = Annotated[int, Query(ge=1, le=500)]
_Text = Annotated[str | None, Query(max_length=200)]
_Since = Annotated[Moment | None, Query(description="Not before this; a bare day is IST.")]
_Until = Annotated[Moment | None, Query(description="Before this; a bare day is IST.")]


class AuditShown(Shown):
    id: int = Field(validation_alias="audit_id")
    timestamp: datetime
    entity_type: str
    entity_id: str | None
    action: str
    user_id: str
    request_id: str | None
    old_value: Any
    new_value: Any
    details: Any


class AuditAnswer(Shown):
    entries: list[AuditShown]
    next_cursor: str | None


class AuditRoutes:
    """Reading only; there is no call that changes the trail."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["audit"]}
        router.add_api_route("/audit/recent", self.recent, **options)
        router.add_api_route(
            "/audit/entity/{entity_type}/{entity_id:path}", self.of_entity, **options
        )
        router.add_api_route("/audit/user/{user_id}", self.of_user, **options)

    @allows(Role.VIEWER)
    def recent(
        self,
        *,
        since: _Since = None,
        until: _Until = None,
        action: _Text = None,
        cursor: _Text = None,
        limit: _Limit = 50,
    ) -> AuditAnswer:
        """What was done lately."""
        return self._page(since, until, action=action, cursor=cursor, limit=limit)

    @allows(Role.VIEWER)
    def of_entity(
        self,
        entity_type: str,
        entity_id: str,
        *,
        since: _Since = None,
        until: _Until = None,
        action: _Text = None,
        cursor: _Text = None,
        limit: _Limit = 50,
    ) -> AuditAnswer:
        """What was done to one thing, such as `auth/kite` or `config/jobs/keep_days`."""
        return self._page(
            since,
            until,
            entity_type=entity_type,
            entity_id=entity_id,
            action=action,
            cursor=cursor,
            limit=limit,
        )

    @allows(Role.VIEWER)
    def of_user(
        self,
        user_id: str,
        *,
        since: _Since = None,
        until: _Until = None,
        action: _Text = None,
        cursor: _Text = None,
        limit: _Limit = 50,
    ) -> AuditAnswer:
        """What one user did."""
        return self._page(since, until, user_id=user_id, action=action, cursor=cursor, limit=limit)

    def _page(
        self, since: datetime | None, until: datetime | None, *, limit: int, **chosen: str | None
    ) -> AuditAnswer:
        if since is not None and until is not None and until <= since:
            raise DateRangeInvalidError(
                "The time range ends before it begins.", hint="Swap since and until."
            )
        page: AuditPage = self._audit.page(since=since, until=until, limit=limit, **chosen)
        return AuditAnswer(
            entries=[AuditShown.model_validate(entry) for entry in page.entries],
            next_cursor=page.next_cursor,
        )
