"""`munshi connect`: a broker's key, secret and, if you opt in, what a headless login needs."""

import typer

from munshi.cli.login import ServiceName


def connect(
    service: ServiceName,
    *,
    from_env: bool = typer.Option(
        False, "--from-env", help="Take what .env holds, without questions."
    ),
    headless: bool = typer.Option(
        False,
        "--headless",
        help="With --from-env: take password and TOTP seed too, and log in by itself.",
    ),
) -> None:
    """Store a broker's credentials, encrypted, for live mode.

    It asks for key and secret and, if you let Munshi log in by itself, for password and TOTP
    seed. What was stored before is replaced.
    """
    from munshi.auth.credentials import save_credentials
    from munshi.cli.connect_flow import choose_credentials
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        chosen = services.logins.of(service).service
        credentials = choose_credentials(
            chosen, services.settings.env_file, from_env=from_env, headless=headless
        )
        stored = save_credentials(services.config, chosen, credentials, actor=COMMAND_LINE)
    typer.echo(f"Stored for {chosen}, secrets encrypted: {', '.join(stored)}.")
    typer.echo(f"Register {services.settings.base_url}/auth/{chosen}/callback as redirect address,")
    typer.echo(f"then: MUNSHI_BROKERS=live munshi login {chosen}")
