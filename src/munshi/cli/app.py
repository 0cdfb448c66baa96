"""The `munshi` command. Commands import what they need when they run, so that help is quick."""

import io
import sys

import typer

from munshi.cli import audit_archive, audit_ledger
from munshi.cli.alerts import alerts_app
from munshi.cli.apikeys import apikeys_app
from munshi.cli.audit import audit_app
from munshi.cli.backtest_review import backtest_app
from munshi.cli.backup import backup_app
from munshi.cli.cache import cache_app
from munshi.cli.calendar import calendar_app
from munshi.cli.complaints import Complaining
from munshi.cli.config import config_app
from munshi.cli.connect import connect
from munshi.cli.data import data_app
from munshi.cli.data_provisional import provisional
from munshi.cli.data_quotes import kept_quotes
from munshi.cli.db import db_app
from munshi.cli.demo import demo
from munshi.cli.doctor import doctor
from munshi.cli.health import health_app
from munshi.cli.instruments import instruments_app
from munshi.cli.jobs import jobs
from munshi.cli.keys import keys_app
from munshi.cli.limits import limits_app
from munshi.cli.login import disconnect, login, status
from munshi.cli.ml import ml_app
from munshi.cli.quotes import quotes
from munshi.cli.schedule import schedule_app
from munshi.cli.scripts import run, token
from munshi.cli.serve import serve
from munshi.cli.service import service_app
from munshi.cli.sessions import sessions_app
from munshi.cli.signals import signals
from munshi.cli.simulator import simulator
from munshi.cli.strategy import strategy_app
from munshi.cli.stream import stream
from munshi.cli.users import users_app
from munshi.cli.watch import watch
from munshi.cli.worker import worker
from munshi.infrastructure.platform import unwind_on_termination

app = typer.Typer(
    name="munshi",
    help="The clerk who keeps a trading desk's books.",
    cls=Complaining,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading rich for the help alone would take longer than all the rest
)


@app.callback()
def munshi() -> None:
    """Broker logins, jobs, market data, configuration and audit in one database."""


for command in (
    *(demo, serve, status, login, disconnect, connect, run, token, worker, simulator, doctor),
    *(quotes, stream, signals, watch),
):
    app.command()(command)
app.add_typer(jobs)
audit_ledger.add_to(audit_app)
audit_archive.add_to(audit_app)
data_app.command()(provisional)
data_app.command("quotes")(kept_quotes)

for name, group in (
    ("schedule", schedule_app),
    ("config", config_app),
    ("audit", audit_app),
    ("alerts", alerts_app),
    ("health", health_app),
    ("limits", limits_app),
    ("cache", cache_app),
    ("db", db_app),
    ("data", data_app),
    ("instruments", instruments_app),
    ("backtest", backtest_app),
    ("ml", ml_app),
    ("strategy", strategy_app),
    ("calendar", calendar_app),
    ("users", users_app),
    ("apikeys", apikeys_app),
    ("sessions", sessions_app),
    ("keys", keys_app),
    ("backup", backup_app),
    ("service", service_app),
):
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line."""
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):  # a pipe on Windows lacks many letters
            out.reconfigure(errors="replace")
    unwind_on_termination()
    app()
