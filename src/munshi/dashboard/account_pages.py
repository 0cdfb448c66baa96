"""The own account on pages: where one is signed in, another password, the password once more."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.cookies import SessionCookie
from munshi.api.people_pages import page_of_ours
from munshi.api.roles import Role, actor_of, allows, signed_in_of
from munshi.bootstrap import Services
from munshi.dashboard.asking import Typed, ask
from munshi.dashboard.look import Look
from munshi.errors import AppError, PasswordUnfitError, SessionUnknownError

OTHERS = "others"
_LONGEST_PASSWORD = 1024
_Wanted = Annotated[str, Query(max_length=1000)]


class AccountPages:
    """Only a person's own session changes the own account."""

    def __init__(self, services: Services, look: Look) -> None:
        self._people = services.people
        self._cookie = SessionCookie(services.settings)
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/sessions", self.sessions, include_in_schema=False)
        for path, form, do in (
            ("/ui/sessions/{session}/end", self.ask_end, self.end),
            ("/ui/password", self.password_form, self.change_password),
            ("/ui/confirm", self.confirm_form, self.confirm),
        ):
            router.add_api_route(path, form, include_in_schema=False)
            router.add_api_route(path, do, methods=["POST"], include_in_schema=False)

    @allows(Role.VIEWER)
    def sessions(self, request: Request) -> Response:
        who = signed_in_of(request)
        return self._look.page(
            request,
            "sessions.html",
            title="My sessions",
            sessions=self._people.sessions.list_sessions(user_id=who.user_id),
            this=who.session_id,
        )

    @allows(Role.VIEWER)
    def ask_end(self, session: str, request: Request) -> Response:
        who = signed_in_of(request)
        if session == OTHERS:
            about = "Every session of yours but this one"
        else:
            mine = self._people.sessions.list_sessions(user_id=who.user_id)
            found = next((each for each in mine if str(each.session_id) == session), None)
            if found is None:
                raise _no_session()
            about = found.user_agent or "A session"
        return ask(
            self._look,
            request,
            title="Sign out there?",
            about=about,
            means="Whoever uses it has to sign in again.",
            yes="Yes, sign out there",
            back="/ui/sessions",
        )

    @allows(Role.VIEWER)
    def end(self, session: str, request: Request) -> Response:
        who, sessions, actor = signed_in_of(request), self._people.sessions, actor_of(request)
        if session == OTHERS:
            for each in sessions.list_sessions(user_id=who.user_id):
                if each.session_id != who.session_id:
                    sessions.revoke(each.session_id, user_id=who.user_id, actor=actor)
            return RedirectResponse("/ui/sessions?done=ended", status_code=303)
        try:
            wanted = UUID(session)
        except ValueError:
            raise _no_session() from None
        sessions.revoke(wanted, user_id=who.user_id, actor=actor)
        return RedirectResponse("/ui/sessions?done=ended", status_code=303)

    @allows(Role.VIEWER)
    def password_form(self, request: Request) -> Response:
        signed_in_of(request)
        return self._look.page(request, "password.html", title="Change my password", error=None)

    @allows(Role.VIEWER)
    def change_password(self, request: Request, typed: Typed) -> Response:
        who = signed_in_of(request)
        old, new = _password(typed, "old"), _password(typed, "new")
        try:
            if new != _password(typed, "again"):
                raise PasswordUnfitError("The two new passwords differ.")
            granted = self._people.passwords.change(who, old, new, actor=actor_of(request))
        except AppError as error:
            return self._look.page(
                request,
                "password.html",
                title="Change my password",
                status=error.status,
                error=error,
            )
        done = RedirectResponse("/ui/sessions?done=password", status_code=303)
        self._cookie.give(done, granted)
        return done

    @allows(Role.VIEWER)
    def confirm_form(self, request: Request, wanted: _Wanted = "") -> Response:
        """Before a sensitive act; `wanted` is where it goes on."""
        signed_in_of(request)
        return self._look.page(
            request, "confirm.html", title="Your password again", wanted=wanted, error=None
        )

    @allows(Role.VIEWER)
    def confirm(self, request: Request, typed: Typed) -> Response:
        who, wanted = signed_in_of(request), typed.get("wanted", "")
        try:
            granted = self._people.sign_ins.confirm(
                who,
                _password(typed, "password"),
                typed.get("code", "")[:100],
                actor=actor_of(request),
            )
        except AppError as error:
            return self._look.page(
                request,
                "confirm.html",
                title="Your password again",
                status=error.status,
                wanted=wanted,
                error=error,
            )
        done = RedirectResponse(page_of_ours(wanted), status_code=303)
        self._cookie.give(done, granted)
        return done


def _password(typed: dict[str, str], name: str) -> str:
    return typed.get(name, "")[:_LONGEST_PASSWORD]


def _no_session() -> SessionUnknownError:
    return SessionUnknownError("There is no such session, or it has ended.")
