"""Breeze's login pages: key check, password, one-time code, redirect with the API session."""

from collections.abc import Mapping
from urllib.parse import urlencode

import pyotp
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from munshi.infrastructure.brokers.simulator.breeze_replies import UNKNOWN_KEY
from munshi.infrastructure.brokers.simulator.pages import (
    WRONG_CODE_MEANS,
    complaint,
    credentials,
    field,
    form,
    hidden,
    page,
    self_posting_form,
)
from munshi.infrastructure.brokers.simulator.parts import Parts, RedirectMode
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER

TITLE = "Sign in to ICICI Direct"
WRONG_PASSWORD = "Invalid User ID or Password."  # noqa: S105
WRONG_CODE = "Invalid OTP."
STALE_PAGE = "This login has ended; open the link again."


class BreezeLogin:
    """The steps that public projects script.

    A script encrypts the password with the page's RSA key (`hidp`). People without scripts post
    it in `txtPass` as it is, which only a simulator may accept.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/apiuser/login", self.start, methods=["GET"]),
            Route("/apiuser/tradelogin", self.show, methods=["POST"]),
            Route("/apiuser/tradelogin/getotp", self.get_otp, methods=["POST"]),
            Route("/apiuser/tradelogin/validateuser", self.validate, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        app_key = request.query_params.get("api_key", "")
        if app_key != BREEZE_USER.app_key:
            return page(TITLE, complaint(UNKNOWN_KEY))
        time_stamp = self._parts.state.now().strftime("%d-%b-%Y %H:%M:%S")
        return page(TITLE, self_posting_form("/apiuser/tradelogin", self._tie(app_key, time_stamp)))

    async def show(self, request: Request) -> Response:
        data = await request.form()
        return self._form(data) if self._tied(data) else page(TITLE, complaint(STALE_PAGE))

    async def get_otp(self, request: Request) -> Response:
        """Checks the first factor; for a TOTP account no message is sent."""
        data = await request.form()
        wrong = self._first_factor_wrong(data)
        if wrong:
            return self._form(data, wrong=wrong) if self._tied(data) else _ended(wrong)
        otp_form = hidden(self._page_fields(data)) + field("One-time code", "hiotp")
        return page(TITLE, form("/apiuser/tradelogin/validateuser", otp_form, button="Submit"))

    async def validate(self, request: Request) -> Response:
        data = await request.form()
        wrong = self._first_factor_wrong(data)
        if not wrong and not self._code_fits(_text(data, "hiotp")):
            wrong = f"{WRONG_CODE} {WRONG_CODE_MEANS}"
        if wrong:
            return self._form(data, wrong=wrong) if self._tied(data) else _ended(wrong)
        session = self._parts.breeze.open_session(BREEZE_USER.user_id)
        return self._back_to_app(session.api_session)

    def _back_to_app(self, api_session: str) -> Response:
        url = self._parts.redirects.breeze_url
        if self._parts.redirects.breeze_mode is RedirectMode.POST:
            return page(TITLE, self_posting_form(url, {"API_Session": api_session}))
        joined = f"{url}{'&' if '?' in url else '?'}{urlencode({'apisession': api_session})}"
        return RedirectResponse(joined, status_code=302)

    def _tie(self, app_key: str, time_stamp: str) -> dict[str, str]:
        return {
            "AppKey": app_key,
            "time_stamp": time_stamp,
            "checksum": self._parts.breeze.page_checksum(app_key, time_stamp),
        }

    def _tied(self, data: FormData) -> bool:
        app_key, time_stamp = _text(data, "AppKey"), _text(data, "time_stamp")
        return app_key == BREEZE_USER.app_key and (
            _text(data, "checksum") == self._parts.breeze.page_checksum(app_key, time_stamp)
        )

    def _first_factor_wrong(self, data: FormData) -> str:
        if not self._tied(data):
            return STALE_PAGE
        encrypted = _text(data, "hidp")
        password = (
            self._parts.breeze.decrypt_password(encrypted) if encrypted else _text(data, "txtPass")
        )
        known = (_text(data, "txtuid"), password) == (BREEZE_USER.user_id, BREEZE_USER.password)
        return "" if known else WRONG_PASSWORD

    def _code_fits(self, code: str) -> bool:
        now = self._parts.state.now()
        return pyotp.TOTP(BREEZE_USER.totp_seed).verify(code, for_time=now, valid_window=1)

    def _page_fields(self, data: FormData) -> Mapping[str, str]:
        return self._tie(_text(data, "AppKey"), _text(data, "time_stamp")) | {
            "api_hidpv": self._parts.breeze.public_key_pem()
        }

    def _form(self, data: FormData, *, wrong: str = "") -> Response:
        code = pyotp.TOTP(BREEZE_USER.totp_seed).at(self._parts.state.now())
        inner = (
            hidden(dict(self._page_fields(data)) | {"hidp": ""})
            + field("User ID", "txtuid", BREEZE_USER.user_id)
            + field("Password", "txtPass", BREEZE_USER.password, kind="password")
            + field("One-time code", "hiotp", code)
            + '<label><input type="checkbox" name="chkssTnc" value="Y" checked> '
            "I accept the terms</label>"
        )
        shown = credentials(BREEZE_USER.user_id, BREEZE_USER.password, code)
        action = "/apiuser/tradelogin/validateuser"
        return page(TITLE, complaint(wrong) + shown + form(action, inner, button="Log in"))


def _ended(text: str) -> Response:
    return page(TITLE, complaint(text))


def _text(data: FormData, name: str) -> str:
    return str(data.get(name, ""))
