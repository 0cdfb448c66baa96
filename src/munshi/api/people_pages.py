"""Plain pages to choose a password, sign in and sign out; no script runs on them."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.cookies import SessionCookie
from munshi.api.pages import page
from munshi.api.roles import Role, actor_of, allows, facts_of
from munshi.bootstrap import Services
from munshi.errors import AppError, SetupLinkInvalidError

_Token = Annotated[str, Query(max_length=100)]
_Field = Annotated[str, Form(max_length=100)]
_LONGEST_ADDRESS = 1000
_Wanted = Annotated[str, Query(max_length=_LONGEST_ADDRESS)]
_NEW_LINK = (
    '<p>If you have chosen your password already: <a href="/ui/sign-in">sign in</a>.</p>'
    "<p>A new link is made on the machine that Munshi runs on:</p>"
    "<ul><li>nobody can sign in yet: <code>munshi users add NAME --role admin</code></li>"
    "<li>you are a user already: <code>munshi users reset-password NAME</code></li></ul>"
)
_Password = Annotated[str, Form(max_length=1024)]


class PeoplePages:
    """Open to everybody: what is typed decides."""

    def __init__(self, services: Services, *, has_pages: bool = False) -> None:
        self._first_page = "/ui/first-run" if has_pages else ""
        self._people = services.people
        self._mode = services.settings.brokers
        self._cookie = SessionCookie(services.settings)

    def add_to(self, router: APIRouter) -> None:
        for path, show, take in (
            ("/ui/setup", self.setup, self.set_up),
            ("/ui/sign-in", self.sign_in_form, self.sign_in),
        ):
            router.add_api_route(path, show, include_in_schema=False)
            router.add_api_route(path, take, methods=["POST"], include_in_schema=False)
        router.add_api_route(
            "/ui/sign-out", self.sign_out, methods=["POST"], include_in_schema=False
        )

    @allows(Role.PUBLIC)
    def setup(self, token: _Token = "") -> Response:
        """Where a one-time link leads."""
        try:
            return self._setup_form(token)
        except AppError as error:
            return self._refusal(error)

    @allows(Role.PUBLIC)
    def set_up(
        self,
        request: Request,
        token: _Field = "",
        username: _Field = "",
        password: _Password = "",
        again: _Password = "",
    ) -> Response:
        """Use the link; then the person signs in."""
        try:
            is_first = self._people.passwords.look_at(token) is None
            if password != again:
                return self._setup_form(token, wrong="The two passwords differ.", name=username)
            self._people.passwords.choose(
                token, password, username=username, actor=actor_of(request)
            )
        except AppError as error:
            if error.status != 422:  # noqa: PLR2004
                return self._refusal(error)
            return self._setup_form(token, wrong=str(error), name=username)
        leads_to = "/ui/sign-in?chosen=1"
        if is_first and self._first_page:
            leads_to += f"&wanted={self._first_page}"
        return RedirectResponse(leads_to, status_code=303)

    @allows(Role.PUBLIC)
    def sign_in_form(self, chosen: _Token = "", wanted: _Wanted = "") -> Response:
        """`wanted` is the page of ours that was asked for before."""
        note = "Your password is stored. Sign in with it." if chosen else ""
        return self._sign_in_page(note=note, wanted=wanted)

    @allows(Role.PUBLIC)
    def sign_in(
        self,
        request: Request,
        username: _Field = "",
        password: _Password = "",
        code: _Field = "",
        wanted: Annotated[str, Form(max_length=_LONGEST_ADDRESS)] = "",
    ) -> Response:
        try:
            granted = self._people.sign_ins.sign_in(
                username,
                password,
                code,
                user_agent=request.headers.get("user-agent"),
                replacing=facts_of(request).principal.session,
                actor=actor_of(request),
            )
        except AppError as error:
            answer = self._sign_in_page(wrong=str(error), name=username, wanted=wanted)
            answer.status_code = error.status
            return answer
        done = RedirectResponse(page_of_ours(wanted), status_code=303)
        self._cookie.give(done, granted)
        return done

    @allows(Role.PUBLIC)
    def sign_out(self, request: Request) -> Response:
        session = facts_of(request).principal.session
        if session is not None:
            self._people.sign_ins.sign_out(session, actor=actor_of(request))
        done = RedirectResponse("/ui/sign-in", status_code=303)
        self._cookie.take(done)
        return done

    def _setup_form(self, token: str, *, wrong: str = "", name: str = "") -> Response:
        user = self._people.passwords.look_at(token)
        if user is None:
            title = "Set up the first administrator"
            named = _input("username", "Your name here", value=name, autocomplete="username")
        else:
            title = f"Choose a password for {user.username}"
            named = (
                f'<input type="hidden" name="username" value="{escape(user.username)}" '
                'autocomplete="username">'
            )
        answer = page(
            title,
            f"<main><h1>{escape(title)}</h1>{_alert(wrong)}"
            '<form method="post" action="/ui/setup">'
            f'<input type="hidden" name="token" value="{escape(token)}">{named}'
            + _input("password", "Password", kind="password", autocomplete="new-password")
            + _input("again", "The same again", kind="password", autocomplete="new-password")
            + "<p><button>Store the password</button></p></form>"
            "<p>Several words in a row are easy to keep and hard to guess. Pasting from a "
            "password manager is fine.</p></main>",
            mode=self._mode,
        )
        answer.status_code = 422 if wrong else 200
        return _private(answer)

    def _sign_in_page(
        self, *, note: str = "", wrong: str = "", name: str = "", wanted: str = ""
    ) -> Response:
        said = f"<p>{escape(note)}</p>" if note else _alert(wrong)
        answer = page(
            "Sign in",
            f'<main><h1>Sign in</h1>{said}<form method="post" action="/ui/sign-in">'
            + _input("username", "Name", value=name, autocomplete="username")
            + f'<input type="hidden" name="wanted" value="{escape(page_of_ours(wanted))}">'
            + _input("password", "Password", kind="password", autocomplete="current-password")
            + _input("code", "One-time code, if you use one", autocomplete="one-time-code")
            + "<p><button>Sign in</button></p></form></main>",
            mode=self._mode,
        )
        return _private(answer)

    def _refusal(self, error: AppError) -> Response:
        is_of_link = isinstance(error, SetupLinkInvalidError)
        answer = page(
            error.title(),
            f"<main><h1>{escape(error.title())}</h1><p>{escape(error.detail)}</p>"
            f"<p>{escape(error.hint or '')}</p>{_NEW_LINK if is_of_link else ''}</main>",
            mode=self._mode,
        )
        answer.status_code = error.status
        return _private(answer)


def page_of_ours(address: str) -> str:
    """`address` if it leads to a page of this site, else the first page."""
    is_ours = address.startswith("/ui/") and address.isprintable() and "\\" not in address
    return address if is_ours else "/ui/"


def _private(answer: Response) -> Response:
    """Kept by nobody: it may hold a link's token."""
    answer.headers["cache-control"] = "no-store"
    return answer


def _input(name: str, label: str, *, kind: str = "text", value: str = "", autocomplete: str) -> str:
    return (
        f'<p><label for="{name}">{escape(label)}</label><br>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}" '
        f'autocomplete="{autocomplete}" autocapitalize="none" spellcheck="false"></p>'
    )


def _alert(wrong: str) -> str:
    return f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
