"""The steps of `munshi login`, once the desk is open."""

import socket
import webbrowser
from urllib.parse import parse_qs, urlsplit

import typer

from munshi.auth.kite_db_service import KiteDBService
from munshi.bootstrap import Services
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.sessions import AuthSession
from munshi.errors import LoginNeededError

POLL_SECONDS = 0.5
_TOKEN_NAMES = ("request_token", "apisession", "API_Session")


def log_in(
    services: Services,
    service: str,
    *,
    headless: bool,
    token: str | None,
    open_browser: bool,
    wait: int,
) -> AuthSession:
    """Raises what the broker's sign-in raises, and LoginNeededError when the wait was in vain."""
    broker = services.logins.of(service)
    if headless:
        return broker.login_headless(actor=COMMAND_LINE)
    if token:
        one_time = _token_of(token)
        if isinstance(broker, KiteDBService):
            return broker.login(request_token=one_time, actor=COMMAND_LINE)
        return broker.login(api_session=one_time, actor=COMMAND_LINE)
    before = broker.restore()
    link = broker.begin_login(actor=COMMAND_LINE)
    typer.echo(f"Log in here:\n  {link}", err=True)
    if open_browser:
        webbrowser.open(link)
    if not _is_served(services):
        typer.echo(
            f"Nothing listens at {services.settings.base_url} to take the redirect. Start "
            "`munshi serve`, or copy the address your browser ends at and run:\n"
            f"  munshi login {broker.service} --token -",
            err=True,
        )
    for _ in range(int(wait / POLL_SECONDS)):
        session = broker.restore()
        if session is not None and session != before:
            return session
        services.clock.sleep(POLL_SECONDS)
    raise LoginNeededError(
        f"No {broker.service} login came in {wait} seconds.", hint=f"munshi login {service}"
    )


def _token_of(text: str) -> str:
    """The token itself, or the one in the address the broker redirected to."""
    query = parse_qs(urlsplit(text.strip()).query)
    return next((query[name][0] for name in _TOKEN_NAMES if name in query), text.strip())


def _is_served(services: Services) -> bool:
    try:
        socket.create_connection(("127.0.0.1", services.settings.port), timeout=0.5).close()
    except OSError:
        return False
    return True
