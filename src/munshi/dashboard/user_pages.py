"""Users on pages, for administrators. Each change wants a password given recently."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.roles import Role, actor_of, allows
from munshi.api.sensitive import confirmed
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.look import Look
from munshi.errors import (
    AppError,
    PathUnknownError,
    RequestInvalidError,
    UserExistsError,
    UserNameInvalidError,
)
from munshi.people.users import Invitation

ROLES = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
_Name = Annotated[str, Path(max_length=100)]
_MEANS = {
    "disable": "They are let in no more: their sessions end, and their API keys open nothing.",
    "enable": "They are let in again.",
    "sessions": "They are signed out everywhere, and sign in again.",
    "password": "Their password and sessions end; a one-time link lets them choose anew.",
    "code": "Their second factor ends with their sessions; they sign in with the password alone.",
    "remove": "Their sessions and API keys go too. What the audit trail says of them stays.",
}
_WORDS = {
    "disable": "disable",
    "enable": "enable",
    "sessions": "end the sessions of",
    "password": "reset the password of",
    "code": "end the second factor of",
    "remove": "remove",
}


class UserPages:
    """A one-time link is on the page that answers, and nowhere again."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._people = services.people
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/users", self.users, include_in_schema=False)
        for path, form, do in (
            ("/ui/users/new", self.form, self.add),
            ("/ui/users/{username}/role", self.ask_role, self.set_role),
            ("/ui/users/{username}/{act}", self.ask, self.do),
        ):
            router.add_api_route(path, form, include_in_schema=False)
            router.add_api_route(path, do, methods=["POST"], include_in_schema=False)
        router.add_api_route("/ui/users/{username}", self.user, include_in_schema=False)

    @allows(Role.ADMIN)
    def users(self, request: Request) -> Response:
        found = self._people.users.list_users()
        return self._look.page(request, "users.html", title="Users", users=found)

    @allows(Role.ADMIN)
    def user(self, username: _Name, request: Request) -> Response:
        found = self._people.users.get(username)
        return self._look.page(
            request,
            "user.html",
            title=f"User {found.username}",
            user=found,
            roles=ROLES,
            sessions=self._people.sessions.list_sessions(user_id=found.user_id),
            keys=self._people.api_keys.list_keys(user_id=found.user_id),
        )

    @allows(Role.ADMIN)
    def form(self, request: Request) -> Response:
        confirmed(request, self._people)
        return self._form(request, {"role": "viewer"})

    @allows(Role.ADMIN)
    def add(self, request: Request, typed: Typed) -> Response:
        confirmed(request, self._people)
        try:
            made = self._people.users.add(
                typed.get("username", ""), _role(typed), actor=actor_of(request)
            )
        except (UserNameInvalidError, UserExistsError) as error:
            return self._form(request, typed, error=error)
        return self._invitation(request, made)

    @allows(Role.ADMIN)
    def ask_role(self, username: _Name, request: Request) -> Response:
        confirmed(request, self._people)
        user = self._people.users.get(username)
        return self._look.page(
            request, "user_role.html", title=f"Role of {user.username}", user=user, roles=ROLES
        )

    @allows(Role.ADMIN)
    def set_role(self, username: _Name, request: Request, typed: Typed) -> Response:
        confirmed(request, self._people)
        user = self._people.users.set_role(username, _role(typed), actor=actor_of(request))
        return RedirectResponse(f"/ui/users/{user.username}?done=stored", status_code=303)

    @allows(Role.ADMIN)
    def ask(self, username: _Name, act: str, request: Request) -> Response:
        means = _means(act)
        confirmed(request, self._people)
        user = self._people.users.get(username)
        return ask(
            self._look,
            request,
            title=f"{_WORDS[act].capitalize()} {user.username}?",
            about=f"{user.username}, {user.role.word}",
            means=means,
            yes=f"Yes, {_WORDS[act]} {user.username}",
            back=f"/ui/users/{user.username}",
        )

    @allows(Role.ADMIN)
    def do(self, username: _Name, act: str, request: Request) -> Response:
        _means(act)
        confirmed(request, self._people)
        users, actor = self._people.users, actor_of(request)
        match act:
            case "disable":
                users.disable(username, actor=actor)
            case "enable":
                users.enable(username, actor=actor)
            case "code":
                users.reset_second_factor(username, actor=actor)
            case "password":
                return self._invitation(request, users.reset_password(username, actor=actor))
            case "sessions":
                self._people.sessions.revoke_all(user=users.get(username), actor=actor)
            case _:
                users.remove(username, actor=actor)
                return RedirectResponse("/ui/users?done=removed", status_code=303)
        return RedirectResponse(f"/ui/users/{username}?done=stored", status_code=303)

    def _invitation(self, request: Request, made: Invitation) -> Response:
        link = None if made.token is None else self._services.setup_link(made.token)
        return self._look.page(
            request,
            "once.html",
            title=f"Link for {made.user.username}",
            secret=link,
            means=f"With this link {made.user.username} chooses a password, once.",
            back="/ui/users",
        )

    def _form(
        self, request: Request, typed: dict[str, str], *, error: AppError | None = None
    ) -> Response:
        return self._look.page(
            request,
            "user_new.html",
            title="Add a user",
            status=error.status if error else 200,
            typed=typed,
            roles=ROLES,
            error=error,
        )


def _means(act: str) -> str:
    if act not in _MEANS:
        raise PathUnknownError(f"Nothing called {act[:40]!r} can be done to a user.")
    return _MEANS[act]


def _role(typed: dict[str, str]) -> Role:
    for role in ROLES:
        if role.word == typed.get("role"):
            return role
    raise RequestInvalidError("The role that was asked for is none.")
