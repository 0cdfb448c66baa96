"""API keys: a person makes them for programs, and ends them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows, signed_in_of
from munshi.api.routes.users import RoleWord
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.domain.people import ApiKey
from munshi.people.api_keys import DAYS, MOST_DAYS, MOST_GROUPS


class NewApiKey(Body):
    """`groups` are first parts of paths, such as `jobs`; without them the key calls all."""

    name: Annotated[str, Field(max_length=100)]
    role: RoleWord | None = None
    read_only: bool = False
    groups: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=MOST_GROUPS)] | (
        None
    ) = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DAYS


class ApiKeyShown(Shown):
    """`hint` is how the key begins."""

    key_id: UUID
    owner: str
    name: str
    hint: str
    role: str
    read_only: bool
    groups: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ApiKeysAnswer(Shown):
    keys: list[ApiKeyShown]


class NewApiKeyAnswer(Shown):
    """`api_key` is shown this once: send it as `Authorization: Bearer mk_…`."""

    key: ApiKeyShown
    api_key: str


class ApiKeyRoutes:
    """Own keys for everybody; an administrator sees and ends those of others too."""

    def __init__(self, services: Services) -> None:
        self._people = services.people

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["API keys"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/api-keys", self.keys, **options)
        router.add_api_route("/api-keys", self.create, **post)
        router.add_api_route("/api-keys/{key_id}/revoke", self.revoke, **post)

    @allows(Role.VIEWER)
    def keys(self, request: Request) -> ApiKeysAnswer:
        """Your keys, newest first; an administrator sees everybody's."""
        who = signed_in_of(request)
        mine = None if who.role is Role.ADMIN else who.user_id
        found = self._people.api_keys.list_keys(user_id=mine)
        return ApiKeysAnswer(keys=[_shown(key) for key in found])

    @allows(Role.VIEWER)
    def create(self, body: NewApiKey, request: Request) -> NewApiKeyAnswer:
        """A key of yours, which opens no more than you may; asks for a password given recently."""
        who = confirmed(request, self._people)
        made = self._people.api_keys.create(
            who.username,
            body.name,
            role=None if body.role is None else Role.of(body.role),
            read_only=body.read_only,
            groups=body.groups,
            days=body.days,
            actor=actor_of(request),
        )
        return NewApiKeyAnswer(key=_shown(made.key), api_key=made.text)

    @allows(Role.VIEWER)
    def revoke(self, key_id: UUID, request: Request) -> ApiKeyShown:
        """End a key at once."""
        who = signed_in_of(request)
        mine = None if who.role is Role.ADMIN else who.user_id
        return _shown(self._people.api_keys.revoke(key_id, user_id=mine, actor=actor_of(request)))


def _shown(key: ApiKey) -> ApiKeyShown:
    return ApiKeyShown(
        key_id=key.key_id,
        owner=key.username,
        name=key.name,
        hint=key.hint,
        role=key.role.word,
        read_only=key.read_only,
        groups=None if key.groups is None else list(key.groups),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
