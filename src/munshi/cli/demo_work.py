"""The demo's work: two logins and one collection, shown as they happen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.bootstrap import Services
from munshi.cli.job_watch import run_here
from munshi.cli.output import print_table
from munshi.clock import show_ist, today_ist
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.jobs import DATA_COLLECTION, Job, JobState
from munshi.domain.market.intervals import Interval
from munshi.domain.sessions import AuthSession
from munshi.errors import AppError
from munshi.infrastructure.brokers.simulator.facts import ask_simulator
from munshi.infrastructure.brokers.simulator.record import read_record

ACTOR = Actor(user_id="demo")
DAYS = 22
COLLECTED = {
    Service.KITE: ("NSE:NIFTY 50", "NSE:NIFTY BANK"),
    Service.BREEZE: ("NSE:NIFTY 50",),
}
_console = Console(highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the demo did."""

    logins: Sequence[AuthSession]
    jobs: Sequence[Job]


def work(services: Services, *, data: Path | None) -> Work:
    """Sign in where no login is left from before, and collect what is missing.

    Raises AppError if a collection did not succeed.
    """
    _console.print("[bold]Munshi demo[/]  [bold yellow]SIMULATED brokers[/], nothing here is real")
    logins = [_log_in(broker) for broker in (services.kite, services.breeze)]
    jobs = _collect(services, only_index=data is not None)
    for job in jobs:
        if job.state is not JobState.SUCCEEDED:
            cause = job.error_details or job.message
            raise AppError(f"The collection ended as {job.state}: {cause}")
    return Work(logins=logins, jobs=jobs)


def _log_in(broker: KiteDBService | BreezeDBService) -> AuthSession:
    standing = broker.restore()
    session = standing or broker.login_headless(actor=ACTOR)
    how = "restored, no new login" if standing else "logged in"
    _console.print(
        f"  {broker.service:<7} {how}: {session.user_id} until {show_ist(session.expires_at)}"
    )
    return session


def _collect(services: Services, *, only_index: bool) -> list[Job]:
    first, last = _range(services)
    jobs = [
        services.jobs.enqueue(
            DATA_COLLECTION,
            {
                "broker": broker.value,
                "instruments": list(instruments[:1] if only_index else instruments),
                "interval": Interval.FIVE_MINUTES.value,
                "from": first.isoformat(),
                "to": last.isoformat(),
            },
            actor=ACTOR,
        )
        for broker, instruments in COLLECTED.items()
    ]
    return run_here(services, jobs, console=_console)


def _range(services: Services) -> tuple[date, date]:
    """The last trading days there are: of the simulator's folder, or up to today."""
    calendar = services.calendar.calendar()
    record = read_record(services.settings.home)
    folder_ends = ask_simulator(record.url).last_day if record else None
    today = today_ist(services.clock)
    last = min(folder_ends or today, today)
    if last.year not in calendar.years:
        last = date(calendar.years[-1], 12, 31)
    days = calendar.trading_days(last - timedelta(days=3 * DAYS), last)
    return days[-DAYS], days[-1]


def show_summary(services: Services, done: Work) -> None:
    """What is in the database now."""
    print_table(
        "Collected 5-minute bars (SIMULATED prices)",
        ("from", "instrument", "requests", "added", "held", "expected", "days missing"),
        [
            (
                str(job.result_data["source"]),
                part["instrument"],
                part["requests"],
                part["rows_added"],
                part["bars_present"],
                part["bars_expected"],
                part["missing_day_count"],
            )
            for job in done.jobs
            if job.result_data
            for part in cast("list[dict[str, Any]]", job.result_data["instruments"])
        ],
    )
    print_table(
        "Schedules of a desk; the demo starts none of them by itself",
        ("schedule", "when"),
        [(view.name, view.timing) for view in services.schedules.list_all()],
    )
    _console.print("The audit trail's last entries:")
    for entry in services.audit.page(limit=5).entries:
        what = f"{entry.entity_type} {entry.action}"
        _console.print(f"  {show_ist(entry.timestamp)}  {what:<20} by {entry.user_id}")
    _console.print(f"Everything is in {services.settings.home}", soft_wrap=True)
