"""`munshi status`, `login` and `disconnect`."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

ASK = "-"
ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="kite or breeze.")]


def status(*, as_json: JsonFlag = False) -> None:
    """Show who is logged in, until when, and what went wrong."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.logins.status()
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "services": [asdict(one) for one in found]})
        return
    print_mode(mode)
    print_table(
        "",
        ("service", "state", "logged in as", "until"),
        [
            (one.service, one.state, one.user_id, show_instant(one.expires_at))
            if one.authenticated
            else (one.service, one.state, "nobody", f"log in: munshi login {one.service}")
            for one in found
        ],
    )
    for one in found:
        if one.last_error:
            typer.echo(f"{one.service}: {one.last_error}")


def login(
    service: ServiceName,
    *,
    headless: bool = typer.Option(
        False, "--headless", help="Use the stored password and TOTP seed, without a browser."
    ),
    token: str | None = typer.Option(
        None,
        help="The request token, API session or whole address that the broker redirected to; "
        "'-' asks for it without showing it.",
    ),
    open_browser: bool = typer.Option(False, "--open", help="Open the link in a browser."),
    wait: int = typer.Option(600, min=0, max=600, help="Seconds to wait for the login."),
    as_json: JsonFlag = False,
) -> None:
    """Log in at a broker: by link, by pasted token, or headless."""
    from munshi.cli.desk import open_desk
    from munshi.cli.login_flow import log_in

    if token == ASK:
        token = typer.prompt("Token or redirect address", hide_input=True)
    with open_desk(brokers=True) as services:
        print_mode(services.settings.brokers.value)
        session = log_in(
            services,
            service,
            headless=headless,
            token=token,
            open_browser=open_browser,
            wait=wait,
        )
    if as_json:
        print_json(
            {
                "service": session.service,
                "mode": session.mode,
                "session_id": session.session_id,
                "user_id": session.user_id,
                "expires_at": session.expires_at,
            }
        )
        return
    until = show_instant(session.expires_at)
    typer.echo(f"Logged in at {session.service} as {session.user_id} until {until}.")


def disconnect(service: ServiceName) -> None:
    """End the stored login of a broker."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk(brokers=True) as services:
        ended = services.logins.of(service).disconnect(actor=COMMAND_LINE)
    typer.echo(f"{service}: {'the login is ended' if ended else 'nobody was logged in'}.")
