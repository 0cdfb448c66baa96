"""`munshi connect`: a broker's key, secret and, if you opt in, what a headless login needs."""

import typer

from munshi.cli.login import ServiceName


def connect(
    service: ServiceName,
    *,
    from_env: bool = typer.Option(
        False, "--from-env", help="Take what .env holds without asking for each value."
    ),
) -> None:
    """Store a broker's credentials, encrypted, for live mode."""
    from munshi.auth.credentials import env_credentials
    from munshi.cli.connect_flow import ask_credentials, store_credentials
    from munshi.cli.desk import open_desk
    from munshi.domain.enums import Service
    from munshi.errors import CredentialsMissingError
    from munshi.infrastructure.env_file import read_env_file

    with open_desk() as services:
        chosen: Service = services.logins.of(service).service
        found = env_credentials(chosen, read_env_file(services.settings.env_file))
        if found is None and from_env:
            raise CredentialsMissingError(
                f"{services.settings.env_file} has no {chosen.upper()}_API_KEY and "
                f"{chosen.upper()}_API_SECRET.",
                hint=f"Give them by hand: munshi connect {chosen}",
            )
        if found is not None and not from_env:
            from_env = typer.confirm(f"{services.settings.env_file} has them. Use those?")
        credentials = found if found and from_env else ask_credentials(chosen)
        stored = store_credentials(services, chosen, credentials)
    typer.echo(f"Stored for {chosen}, encrypted: {', '.join(stored)}.")
    typer.echo(f"Register {services.settings.base_url}/auth/{chosen}/callback as redirect address,")
    typer.echo(f"then: MUNSHI_BROKERS=live munshi login {chosen}")
