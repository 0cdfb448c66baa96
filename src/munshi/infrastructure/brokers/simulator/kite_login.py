"""Kite's login: the page at /connect/login, and the calls its own script makes."""

from urllib.parse import parse_qsl, urlencode

import pyotp
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from munshi.infrastructure.brokers.simulator.kite_replies import input_refused, success
from munshi.infrastructure.brokers.simulator.kite_tokens import PendingLogin, WebLogin
from munshi.infrastructure.brokers.simulator.pages import (
    WRONG_CODE_MEANS,
    complaint,
    credentials,
    field,
    form,
    hidden,
    page,
)
from munshi.infrastructure.brokers.simulator.parts import Parts
from munshi.infrastructure.brokers.simulator.seed import KITE_USER

TITLE = "Sign in to Kite"
WRONG_PASSWORD = "Invalid username or password."  # noqa: S105
WRONG_CODE = "Invalid TOTP."


class KiteLogin:
    """Password, second factor, consent on the first visit, then the redirect with the token.

    The public flow is a page; headless clients speak the undocumented calls that public projects
    use (`/api/login`, `/api/twofa`, cookies, `/connect/finish`).
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/connect/login", self.show, methods=["GET"]),
            Route("/connect/login", self.submit, methods=["POST"]),
            Route("/api/login", self.api_login, methods=["POST"]),
            Route("/api/twofa", self.api_twofa, methods=["POST"]),
            Route("/connect/finish", self.finish, methods=["GET", "POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Without `sess_id` a redirect to the same page with one; with it, the form."""
        sess_id = request.query_params.get("sess_id", "")
        api_key = request.query_params.get("api_key", "")
        if api_key != KITE_USER.app_key:
            return input_refused("Invalid `api_key`.").reply()
        pending = self._parts.kite.get_login(sess_id)
        if pending is None:
            redirect_params = request.query_params.get("redirect_params", "")
            sess_id = self._parts.kite.begin_login(api_key, redirect_params=redirect_params)
            known = self._cookie_login(request) is not None
            target = "/connect/finish" if known else "/connect/login"
            return _redirect(target, api_key=api_key, sess_id=sess_id)
        return self._form(pending)

    async def submit(self, request: Request) -> Response:
        """The page's own form: both factors in one step, for people without scripts."""
        data = await request.form()
        pending = self._parts.kite.get_login(str(data.get("sess_id", "")))
        if pending is None:
            return page(TITLE, complaint("This login has ended; open the link again."), status=400)
        user_id, password = str(data.get("user_id", "")), str(data.get("password", ""))
        if not self._knows(user_id, password):
            return self._form(pending, wrong=WRONG_PASSWORD)
        if not self._code_fits(str(data.get("twofa_value", ""))):
            return self._form(pending, wrong=f"{WRONG_CODE} {WRONG_CODE_MEANS}")
        answer = _redirect("/connect/finish", api_key=pending.api_key, sess_id=pending.sess_id)
        return _with_cookies(answer, self._parts.kite.open_web_login(user_id))

    async def api_login(self, request: Request) -> JSONResponse:
        data = await request.form()
        user_id = str(data.get("user_id", ""))
        if not self._knows(user_id, str(data.get("password", ""))):
            return input_refused(WRONG_PASSWORD).reply()
        return success(
            {
                "user_id": user_id,
                "request_id": self._parts.kite.password_given(user_id),
                "twofa_type": "totp",
                "twofa_types": ["totp"],
                "twofa_status": "active",
                "profile": {"user_name": KITE_USER.user_name, "user_shortname": "Simulated"},
            }
        )

    async def api_twofa(self, request: Request) -> Response:
        data = await request.form()
        user_id = str(data.get("user_id", ""))
        request_id = str(data.get("request_id", ""))
        if not self._parts.kite.knows_password(request_id, user_id=user_id):
            return input_refused("Invalid `request_id`.").reply()
        if not self._code_fits(str(data.get("twofa_value", ""))):
            return input_refused(WRONG_CODE).reply()
        return _with_cookies(success({"profile": {}}), self._parts.kite.open_web_login(user_id))

    async def finish(self, request: Request) -> Response:
        """Consent if it is the first time, then back to the app with a request token."""
        asked = request.query_params if request.method == "GET" else await request.form()
        pending = self._parts.kite.get_login(str(asked.get("sess_id", "")))
        if pending is None or pending.api_key != asked.get("api_key"):
            return input_refused("Invalid or expired `sess_id`.").reply()
        login = self._cookie_login(request)
        if login is None:
            return _redirect("/connect/login", api_key=pending.api_key, sess_id=pending.sess_id)
        if request.method == "POST" and asked.get("authorize") == login.public_token:
            self._parts.kite.authorise(pending.api_key)
        if not self._parts.kite.is_authorised(pending.api_key):
            return _consent(pending, login)
        token = self._parts.kite.issue_request_token(pending.api_key, user_id=login.user_id)
        return RedirectResponse(self._back_to_app(pending, token), status_code=302)

    def _back_to_app(self, pending: PendingLogin, request_token: str) -> str:
        """The registered address, the login's outcome and what the app asked to hear again."""
        query = [
            ("action", "login"),
            ("type", "login"),
            ("status", "success"),
            ("request_token", request_token),
            *parse_qsl(pending.redirect_params, keep_blank_values=True),
        ]
        url = self._parts.redirects.kite_url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

    def _cookie_login(self, request: Request) -> WebLogin | None:
        return self._parts.kite.get_web_login(request.cookies.get("kf_session", ""))

    def _knows(self, user_id: str, password: str) -> bool:
        return (user_id, password) == (KITE_USER.user_id, KITE_USER.password)

    def _code_fits(self, code: str) -> bool:
        now = self._parts.state.now()
        return pyotp.TOTP(KITE_USER.totp_seed).verify(code, for_time=now, valid_window=1)

    def _form(self, pending: PendingLogin, *, wrong: str = "") -> Response:
        code = pyotp.TOTP(KITE_USER.totp_seed).at(self._parts.state.now())
        inner = (
            hidden({"sess_id": pending.sess_id, "api_key": pending.api_key})
            + field("User ID", "user_id", KITE_USER.user_id)
            + field("Password", "password", KITE_USER.password, kind="password")
            + field("One-time code", "twofa_value", code)
        )
        shown = credentials(KITE_USER.user_id, KITE_USER.password, code)
        return page(
            TITLE, complaint(wrong) + shown + form("/connect/login", inner, button="Sign in")
        )


def _consent(pending: PendingLogin, login: WebLogin) -> Response:
    fields = {
        "api_key": pending.api_key,
        "sess_id": pending.sess_id,
        "authorize": login.public_token,
    }
    asked = "<p>Allow the app behind this api key to use the simulated account?</p>"
    return page(
        "Authorise the app", asked + form("/connect/finish", hidden(fields), button="Authorise")
    )


def _redirect(path: str, **query: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?{urlencode(query)}", status_code=302)


def _with_cookies(response: Response, login: WebLogin) -> Response:
    response.set_cookie("kf_session", login.kf_session, httponly=True, samesite="lax")
    response.set_cookie("public_token", login.public_token, samesite="lax")
    response.set_cookie("enctoken", login.enctoken, samesite="lax")
    response.set_cookie("user_id", login.user_id, samesite="lax")
    return response
