"""The configuration's past: history, revisions, what differs, and the way back."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.api.sensitive import require_right_to_change
from munshi.bootstrap import Services
from munshi.domain.config import RollbackPlan

_Key = Annotated[str, Path(max_length=150)]
_LARGEST = 2**62
_Revision = Annotated[int, Query(ge=0, le=_LARGEST)]


class ConfigChangeShown(Shown):
    """`value` of a secret is always null; `is_active` false is where the default came back."""

    revision: int
    config_type: str
    config_key: str
    version: int
    value: Any
    is_secret: bool
    is_active: bool
    updated_by: str
    updated_at: datetime


class ConfigHistoryAnswer(Shown):
    changes: list[ConfigChangeShown]


class ConfigRevisionShown(Shown):
    revision: int
    updated_by: str
    updated_at: datetime
    keys: list[str]


class ConfigRevisionsAnswer(Shown):
    revisions: list[ConfigRevisionShown]


class ConfigDifferenceShown(Shown):
    """null stands for the default; of a secret both values are null."""

    config_type: str
    config_key: str
    before: Any
    after: Any
    is_secret: bool


class ConfigDiffAnswer(Shown):
    differences: list[ConfigDifferenceShown]


class LeftAloneShown(Shown):
    config_type: str
    config_key: str
    reason: str


class RollbackAnswer(Shown):
    """What changes, what is left as it is, and what stands in the way of changing anything.

    `current` is the revision at which this was worked out: the `expected_revision` of the change.
    """

    revision: int
    current: int
    changes: list[ConfigDifferenceShown]
    left: list[LeftAloneShown]
    refused: list[LeftAloneShown]


class RollbackRequest(Body):
    """`config_type` and `config_key` together confine it to one value."""

    revision: int = Field(ge=0, le=_LARGEST)
    config_type: str | None = Field(default=None, max_length=50)
    config_key: str | None = Field(default=None, max_length=150)
    expected_revision: int | None = Field(default=None, ge=0, le=_LARGEST)


class ConfigPastRoutes:
    """Each call is one service call. Stands before the routes that take any type's name."""

    def __init__(self, services: Services) -> None:
        self._past = services.config_past

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["configuration"]}
        router.add_api_route("/config/revisions", self.revisions, **options)
        router.add_api_route("/config/diff", self.diff, **options)
        router.add_api_route("/config/rollback", self.preview, **options)
        router.add_api_route("/config/rollback", self.rollback, methods=["POST"], **options)
        router.add_api_route("/config/history/{config_type}/{config_key}", self.history, **options)

    @allows(Role.VIEWER)
    def history(
        self,
        config_type: _Key,
        config_key: _Key,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> ConfigHistoryAnswer:
        """Changes of one value, newest first."""
        found = self._past.history(config_type, config_key, limit)
        return ConfigHistoryAnswer(
            changes=[ConfigChangeShown.model_validate(each) for each in found]
        )

    @allows(Role.VIEWER)
    def revisions(
        self,
        before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> ConfigRevisionsAnswer:
        """Who changed which keys together and when, newest first; `before` pages on."""
        found = self._past.revisions(before=before, limit=limit)
        return ConfigRevisionsAnswer(
            revisions=[ConfigRevisionShown.model_validate(each) for each in found]
        )

    @allows(Role.VIEWER)
    def diff(
        self,
        since: Annotated[int, Query(alias="from", ge=0, le=_LARGEST)],
        until: Annotated[int | None, Query(alias="to", ge=0, le=_LARGEST)] = None,
    ) -> ConfigDiffAnswer:
        """What differs between two revisions; without `to`, between one and the present."""
        found = self._past.diff(since, until)
        return ConfigDiffAnswer(
            differences=[ConfigDifferenceShown.model_validate(each) for each in found]
        )

    @allows(Role.VIEWER)
    def preview(
        self,
        revision: _Revision,
        config_type: Annotated[str | None, Query(max_length=50)] = None,
        config_key: Annotated[str | None, Query(max_length=150)] = None,
    ) -> RollbackAnswer:
        """What going back to a revision would change; nothing is changed."""
        return _answer(self._past.plan_rollback(revision, only=_only(config_type, config_key)))

    @allows(Role.OPERATOR)
    def rollback(self, body: RollbackRequest, request: Request) -> RollbackAnswer:
        """Bring back what stood at a revision, as a new revision; secrets are left as they are."""
        only = _only(body.config_type, body.config_key)
        plan = self._past.plan_rollback(body.revision, only=only)
        require_right_to_change(
            request, [(each.config_type, each.config_key) for each in plan.changes]
        )
        return _answer(
            self._past.rollback(
                body.revision,
                only=only,
                # What was looked at is what is changed.
                expected_revision=(
                    plan.current if body.expected_revision is None else body.expected_revision
                ),
                actor=actor_of(request),
            )
        )


def _only(config_type: str | None, config_key: str | None) -> tuple[str, str] | None:
    if config_type is None and config_key is None:
        return None
    return config_type or "", config_key or ""


def _answer(plan: RollbackPlan) -> RollbackAnswer:
    return RollbackAnswer.model_validate(plan)
