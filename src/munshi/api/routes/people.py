"""Signing in, the own account, and the sessions one has."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.answers import Body, Shown
from munshi.api.cookies import SessionCookie
from munshi.api.roles import Role, actor_of, allows, facts_of, signed_in_of
from munshi.bootstrap import Services
from munshi.domain.people import UserSession

Password = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1024)]
Code = Annotated[str, Field(max_length=100)]


class SignIn(Body):
    username: Annotated[str, Field(max_length=100)]
    password: Password
    code: Code = ""


class Confirmation(Body):
    password: Password
    code: Code = ""


class PasswordChange(Body):
    old_password: Password
    new_password: Password


class SignedInAnswer(Shown):
    """The session itself is in the cookie, which scripts cannot read."""

    username: str
    role: str


class MeAnswer(Shown):
    """`kind` is session, api-key, local or nobody."""

    name: str
    role: str
    kind: str
    has_totp: bool
    recovery_codes_left: int
    confirmed_at: datetime | None


class SessionShown(Shown):
    session_id: UUID
    is_this: bool
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    last_activity: datetime
    expires_at: datetime


class SessionsAnswer(Shown):
    sessions: list[SessionShown]


class DoneAnswer(Shown):
    done: bool = True


class PeopleRoutes:
    """Each call is one service call. Only a person's own session changes the own account."""

    def __init__(self, services: Services) -> None:
        self._people = services.people
        self._cookie = SessionCookie(services.settings)

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["people"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/people/sign-in", self.sign_in, **post)
        router.add_api_route("/people/sign-out", self.sign_out, **post)
        router.add_api_route("/people/me", self.me, **options)
        router.add_api_route("/people/confirm", self.confirm, **post)
        router.add_api_route("/people/password", self.change_password, **post)
        router.add_api_route("/people/sessions", self.sessions, **options)
        router.add_api_route("/people/sessions/{session_id}/revoke", self.revoke_session, **post)

    @allows(Role.PUBLIC)
    def sign_in(self, body: SignIn, request: Request, response: Response) -> SignedInAnswer:
        """Sign in with name, password and, where one is set up, a one-time or recovery code.

        401 says the same whatever was wrong; 429 says how long to wait.
        """
        granted = self._people.sign_ins.sign_in(
            body.username,
            body.password,
            body.code,
            user_agent=request.headers.get("user-agent"),
            replacing=facts_of(request).principal.session,
            actor=actor_of(request),
        )
        self._cookie.give(response, granted)
        return SignedInAnswer(username=granted.signed_in.username, role=granted.signed_in.role.word)

    @allows(Role.VIEWER)
    def sign_out(self, request: Request, response: Response) -> DoneAnswer:
        """End this session."""
        self._people.sign_ins.sign_out(signed_in_of(request), actor=actor_of(request))
        self._cookie.take(response)
        return DoneAnswer()

    @allows(Role.VIEWER)
    def me(self, request: Request) -> MeAnswer:
        """Who the caller is here, and what they may do."""
        principal = facts_of(request).principal
        session = principal.session
        user = self._people.users.get(session.username) if session else None
        return MeAnswer(
            name=principal.name,
            role=principal.role.word,
            kind="session" if session else "api-key" if principal.key else "local",
            has_totp=user.has_totp if user else False,
            recovery_codes_left=(self._people.second_factor.codes_left(session) if session else 0),
            confirmed_at=session.authenticated_at if session else None,
        )

    @allows(Role.VIEWER)
    def confirm(self, body: Confirmation, request: Request, response: Response) -> DoneAnswer:
        """Give the password again, with a code where one is set up, before a sensitive act."""
        granted = self._people.sign_ins.confirm(
            signed_in_of(request), body.password, body.code, actor=actor_of(request)
        )
        self._cookie.give(response, granted)
        return DoneAnswer()

    @allows(Role.VIEWER)
    def change_password(
        self, body: PasswordChange, request: Request, response: Response
    ) -> DoneAnswer:
        """Choose another password; every other session of yours ends."""
        granted = self._people.passwords.change(
            signed_in_of(request), body.old_password, body.new_password, actor=actor_of(request)
        )
        self._cookie.give(response, granted)
        return DoneAnswer()

    @allows(Role.VIEWER)
    def sessions(self, request: Request) -> SessionsAnswer:
        """Where you are signed in, newest first."""
        who = signed_in_of(request)
        found = self._people.sessions.list_sessions(user_id=who.user_id)
        return SessionsAnswer(sessions=[_shown(each, this=who.session_id) for each in found])

    @allows(Role.VIEWER)
    def revoke_session(self, session_id: UUID, request: Request) -> DoneAnswer:
        """End one of your sessions."""
        who = signed_in_of(request)
        self._people.sessions.revoke(session_id, user_id=who.user_id, actor=actor_of(request))
        return DoneAnswer()


def _shown(session: UserSession, *, this: UUID) -> SessionShown:
    return SessionShown(
        session_id=session.session_id,
        is_this=session.session_id == this,
        ip_address=session.ip_address,
        user_agent=session.user_agent,
        created_at=session.created_at,
        last_activity=session.last_activity,
        expires_at=session.expires_at,
    )
