"""Users, for administrators. Each change asks for a password given recently."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.api.routes.people import DoneAnswer
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.domain.people import User
from munshi.people.users import Invitation

_Name = Annotated[str, Path(max_length=100)]
RoleWord = Literal["viewer", "operator", "admin"]


class NewUser(Body):
    username: Annotated[str, Field(max_length=100)]
    role: RoleWord = "viewer"


class RoleChange(Body):
    role: RoleWord


class UserShown(Shown):
    username: str
    role: str
    is_active: bool
    has_password: bool
    has_totp: bool
    created_by: str
    created_at: datetime
    last_sign_in_at: datetime | None


class UsersAnswer(Shown):
    users: list[UserShown]


class InvitationAnswer(Shown):
    """`link` lets the user choose a password, once; it is shown this once."""

    user: UserShown
    link: str | None


class UserRoutes:
    """Each call is one service call."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._people = services.people

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["users"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/users", self.all_users, **options)
        router.add_api_route("/users", self.add, **post)
        router.add_api_route("/users/{username}/role", self.set_role, **post)
        router.add_api_route("/users/{username}/disable", self.disable, **post)
        router.add_api_route("/users/{username}/enable", self.enable, **post)
        router.add_api_route("/users/{username}/reset-password", self.reset_password, **post)
        router.add_api_route("/users/{username}/reset-totp", self.reset_totp, **post)
        router.add_api_route("/users/{username}/remove", self.remove, **post)

    @allows(Role.ADMIN)
    def all_users(self) -> UsersAnswer:
        """Every user, by name."""
        return UsersAnswer(users=[_shown(user) for user in self._people.users.list_users()])

    @allows(Role.ADMIN)
    def add(self, body: NewUser, request: Request) -> InvitationAnswer:
        """A new user, with the one-time link by which they choose a password."""
        confirmed(request, self._people)
        made = self._people.users.add(body.username, Role.of(body.role), actor=actor_of(request))
        return self._invitation(made)

    @allows(Role.ADMIN)
    def set_role(self, username: _Name, body: RoleChange, request: Request) -> UserShown:
        """Another role; the user's sessions end."""
        confirmed(request, self._people)
        role = Role.of(body.role)
        return _shown(self._people.users.set_role(username, role, actor=actor_of(request)))

    @allows(Role.ADMIN)
    def disable(self, username: _Name, request: Request) -> UserShown:
        """Let the user in no more: sessions end and API keys open nothing."""
        confirmed(request, self._people)
        return _shown(self._people.users.disable(username, actor=actor_of(request)))

    @allows(Role.ADMIN)
    def enable(self, username: _Name, request: Request) -> UserShown:
        """Let the user in again."""
        confirmed(request, self._people)
        return _shown(self._people.users.enable(username, actor=actor_of(request)))

    @allows(Role.ADMIN)
    def reset_password(self, username: _Name, request: Request) -> InvitationAnswer:
        """End the password and the sessions; the link lets the user choose another."""
        confirmed(request, self._people)
        made = self._people.users.reset_password(username, actor=actor_of(request))
        return self._invitation(made)

    @allows(Role.ADMIN)
    def reset_totp(self, username: _Name, request: Request) -> UserShown:
        """End the second factor of whoever lost it, and the sessions."""
        confirmed(request, self._people)
        return _shown(self._people.users.reset_second_factor(username, actor=actor_of(request)))

    @allows(Role.ADMIN)
    def remove(self, username: _Name, request: Request) -> DoneAnswer:
        """Remove the user with sessions and API keys; what the audit trail says stays."""
        confirmed(request, self._people)
        self._people.users.remove(username, actor=actor_of(request))
        return DoneAnswer()

    def _invitation(self, made: Invitation) -> InvitationAnswer:
        link = None if made.token is None else self._services.setup_link(made.token)
        return InvitationAnswer(user=_shown(made.user), link=link)


def _shown(user: User) -> UserShown:
    return UserShown(
        username=user.username,
        role=user.role.word,
        is_active=user.is_active,
        has_password=user.has_password,
        has_totp=user.has_totp,
        created_by=user.created_by,
        created_at=user.created_at,
        last_sign_in_at=user.last_sign_in_at,
    )
