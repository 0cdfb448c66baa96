"""The `munshi` command. Commands import what they need when they run, so that help is quick."""

import sys

import typer

from munshi.cli.connect import connect
from munshi.cli.demo import demo
from munshi.cli.login import disconnect, login, status
from munshi.cli.scripts import run, token
from munshi.cli.serve import serve
from munshi.cli.simulator import simulator
from munshi.cli.worker import worker
from munshi.errors import AppError

app = typer.Typer(
    name="munshi",
    help="The clerk who keeps a trading desk's books.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def munshi() -> None:
    """Broker logins, jobs, market data, configuration and audit in one database."""


for command in (demo, serve, status, login, disconnect, connect, run, token, worker, simulator):
    app.command()(command)


def main() -> None:
    """Run the command line; a known error is one line on stderr and exit code 1."""
    try:
        app()
    except AppError as error:
        print(f"munshi: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
