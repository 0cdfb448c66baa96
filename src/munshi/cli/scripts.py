"""`munshi run` and `munshi token`: the ways a token leaves, besides the opted-in `.env`."""

import typer

from munshi.cli.login import ServiceName
from munshi.cli.output import print_mode


def run(
    command: list[str] = typer.Argument(
        ..., metavar="COMMAND", help="Your script and its arguments, behind --."
    ),
) -> None:
    """Start your own script with the tokens of the day.

    Its environment has KITE_API_KEY, KITE_API_SECRET, KITE_ACCESS_TOKEN, KITE_USER_ID,
    BREEZE_API_KEY, BREEZE_API_SECRET, BREEZE_API_SESSION, BREEZE_SESSION_TOKEN and
    BREEZE_USER_ID, as far as you are logged in, and MUNSHI_BROKERS. With simulated brokers
    MUNSHI_SIMULATOR_URL says where they are: a simulated token is worth nothing anywhere else.
    """
    import os
    import subprocess

    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE
    from munshi.errors import LoginNeededError, ScriptNotFoundError
    from munshi.infrastructure.platform import signals_left_to

    with open_desk(brokers=True) as services:
        mode = services.settings.brokers.value
        print_mode(mode)
        given = services.secrets.environment(purpose="munshi run", actor=COMMAND_LINE)
        if not given:
            raise LoginNeededError("Nobody is logged in.", hint="munshi login kite")
        given["MUNSHI_BROKERS"] = mode
        if services.simulator_url:
            given["MUNSHI_SIMULATOR_URL"] = services.simulator_url
        try:
            script = subprocess.Popen(command, env={**os.environ, **given})  # noqa: S603
        except OSError as error:
            raise ScriptNotFoundError(
                f"{command[0]} cannot be started: {error.strerror}.",
                hint="munshi run -- python my_script.py",
            ) from None
        with signals_left_to(script):
            code = script.wait()
    raise typer.Exit(code if code >= 0 else 128 - code)


def token(
    service: ServiceName,
    *,
    yes: bool = typer.Option(False, "--yes", help="Print without asking."),
) -> None:
    """Print a broker's token of the day."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        broker = services.logins.of(service)
        print_mode(services.settings.brokers.value)
        if not yes:
            typer.confirm(
                f"Print the {broker.service} token here, where others may read it?",
                abort=True,
                err=True,
            )
        typer.echo(services.secrets.token(broker, actor=COMMAND_LINE))
