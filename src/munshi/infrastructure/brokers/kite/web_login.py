"""Headless Kite login with password and TOTP, for those who opted in."""

from collections.abc import Mapping

from munshi.clock import Clock
from munshi.errors import BrokerLoginRefusedError
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.envelope import BROKER, read_login
from munshi.infrastructure.brokers.line import Gate, Guard
from munshi.infrastructure.brokers.web_session import OpenHttp, WebCredentials, WebSession

TOKEN = "request_token"  # noqa: S105 - the name of a field


def kite_web_login(
    credentials: WebCredentials,
    *,
    endpoints: KiteEndpoints,
    open_http: OpenHttp,
    clock: Clock,
    gate: Gate,
    guard: Guard,
) -> str:
    """Do what a person does on Kite's pages and return the request token of the redirect.

    Zerodha documents none of this and may change it any day; the steps are those that public
    projects use. The app's first login also gives the consent that the page asks for. Nothing is
    tried twice, so that a wrong password cannot lock the account. Raises BrokerLoginRefusedError.
    """
    guard()
    with (
        gate("kite.login"),
        WebSession(open_http, broker=BROKER, home=endpoints.web) as web,
    ):
        sess_id = _open_login(web, endpoints.login_url(credentials.app_key))
        fields = {"api_key": credentials.app_key, "sess_id": sess_id}
        web.get(f"{endpoints.web}/connect/login", query=fields)
        _prove_identity(web, credentials, endpoints=endpoints, clock=clock)
        return _finish(web, f"{endpoints.web}/connect/finish", fields)


def _open_login(web: WebSession, login_url: str) -> str:
    """The id of this login, which the first redirect carries."""
    found = web.follow(web.get(login_url), until="sess_id")
    if isinstance(found, str):
        return found
    if "json" in found.content_type:
        read_login(found)
    raise found.nonsense("a login page without a login id")


def _prove_identity(
    web: WebSession, credentials: WebCredentials, *, endpoints: KiteEndpoints, clock: Clock
) -> None:
    password = {
        "user_id": credentials.user_id,
        "password": credentials.password,
        "type": "user_id",
    }
    reply = web.post(f"{endpoints.web}/api/login", form=password)
    first = read_login(reply)
    if first.get("twofa_type").text_or("totp") not in {"totp", "app_code"}:
        raise BrokerLoginRefusedError(
            "This Kite account does not ask for an authenticator code.",
            hint="Set up TOTP in Kite, or log in through the link.",
        )
    code = {
        "user_id": credentials.user_id,
        "request_id": first["request_id"].text(),
        "twofa_value": credentials.code(now=reply.dated or clock.now()),
        "twofa_type": "totp",
        "skip_session": "true",
    }
    read_login(web.post(f"{endpoints.web}/api/twofa", form=code))


def _finish(web: WebSession, address: str, fields: Mapping[str, str]) -> str:
    found = web.follow(web.get(address, query=fields), until=TOKEN)
    consent = web.cookie("public_token")
    if isinstance(found, Reply) and consent:
        form = {**fields, "authorize": consent}
        found = web.follow(web.post(address, form=form), until=TOKEN)
    if isinstance(found, str):
        return found
    raise BrokerLoginRefusedError(
        "Kite took the password and the code but gave no request token.",
        hint="Log in once through the link: munshi login kite",
    )
