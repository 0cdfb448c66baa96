"""Headless Breeze login with password and TOTP, for those who opted in."""

import base64
from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from munshi.clock import Clock
from munshi.errors import BrokerLoginRefusedError
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.envelope import BROKER
from munshi.infrastructure.brokers.http import Reply
from munshi.infrastructure.brokers.line import Gate, Guard
from munshi.infrastructure.brokers.web_session import (
    OpenHttp,
    Page,
    WebCredentials,
    WebSession,
    read_page,
)

SESSION_IN_QUERY = "apisession"
SESSION_IN_FORM = "API_Session"


def breeze_web_login(
    credentials: WebCredentials,
    *,
    endpoints: BreezeEndpoints,
    open_http: OpenHttp,
    clock: Clock,
    gate: Gate,
    guard: Guard,
) -> str:
    """Do what a person does on ICICI's pages and return the API session of the redirect.

    ICICI documents none of this and may change it any day; the steps are those that public
    projects found on the pages in 2026. Accounts whose code comes by SMS cannot log in this way.
    Nothing is tried twice, so that a wrong password cannot lock the account. Raises
    BrokerLoginRefusedError.
    """
    guard()
    with (
        gate("breeze.login"),
        WebSession(open_http, broker=BROKER, home=endpoints.web) as web,
    ):
        form = _login_form(web, credentials, endpoints=endpoints)
        pages = f"{endpoints.web}/tradelogin"
        asked = web.post(f"{pages}/getotp", form=form)
        if "invalid" in read_page(asked).text.lower():
            raise _refused("the user id or the password")
        code = credentials.code(now=asked.dated or clock.now())
        return _api_session(web, web.post(f"{pages}/validateuser", form=form | {"hiotp": code}))


def _login_form(
    web: WebSession, credentials: WebCredentials, *, endpoints: BreezeEndpoints
) -> dict[str, str]:
    """The login page's hidden fields, filled in as its script does."""
    bounce = web.get(endpoints.login_url(credentials.app_key))
    start = _usable(bounce)
    if not start.hidden:
        raise BrokerLoginRefusedError(
            "Breeze's login page does not accept the app key.",
            hint="Check it: munshi connect breeze",
        )
    reply = web.post(f"{endpoints.web}/tradelogin", form=start.hidden)
    page = _usable(reply)
    keys = [value for name, value in page.hidden.items() if name.endswith("hidpv")]
    if not keys:
        raise reply.nonsense("a login page without its encryption key")
    return page.hidden | {
        "txtuid": credentials.user_id,
        "hidp": _encrypt(credentials.password, pem=keys[0], reply=reply),
        "txtPass": "*" * 12,
        "chkssTnc": "Y",
    }


def _usable(reply: Reply) -> Page:
    if reply.content_type != "text/html" or not reply.body or reply.status != HTTPStatus.OK:
        raise reply.nonsense("no login page")
    return read_page(reply)


def _encrypt(password: str, *, pem: str, reply: Reply) -> str:
    """PKCS#1 v1.5 and base64, as the page's script does."""
    try:
        key = load_pem_public_key(pem.strip().encode())
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise reply.nonsense("a login page whose encryption key cannot be read")
    return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


def _api_session(web: WebSession, reply: Reply) -> str:
    """It comes back in a redirect, or in a form that posts itself to the app."""
    found = web.follow(reply, until=SESSION_IN_QUERY)
    if isinstance(found, Reply):
        found = read_page(found).hidden.get(SESSION_IN_FORM, "")
    if not found:
        raise _refused("the one-time code, or the password")
    return found


def _refused(what: str) -> BrokerLoginRefusedError:
    return BrokerLoginRefusedError(
        f"Breeze did not accept {what}.", hint="Log in through the link: munshi login breeze"
    )
