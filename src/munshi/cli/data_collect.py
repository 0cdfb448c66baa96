"""A collection as a command asks for it, sees it through and shows what came of it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import typer
from rich.console import Console

from munshi.bootstrap import Services
from munshi.cli.days import read_day
from munshi.cli.job_output import job_document
from munshi.cli.job_watch import run_here
from munshi.cli.output import print_json, print_mode, print_table
from munshi.clock import today_ist
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_COLLECTION, Job, JobState
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.option_chains import NEAREST
from munshi.errors import JobParametersInvalidError
from munshi.market.collection_outlook import Outlook

USUAL_DAYS = 20
# Workers look for jobs twice a second.
TAKEN_WITHIN = 1.5
POLL_SECONDS = 0.1
_DAYS_SHOWN = 3
SERIES_SHOWN = 60


def collection_of(
    services: Services,
    instruments: Sequence[str],
    *,
    broker: str,
    interval: str,
    start: str | None,
    end: str | None,
    chain: dict[str, object] | None = None,
) -> CollectionParams:
    """The parameters, with the last 20 trading days where no others are named.

    Raises JobParametersInvalidError, and what CollectionService.check raises.
    """
    calendar = services.calendar.calendar()
    last = read_day(end) or last_trading_day(calendar, today_ist(services.clock))
    first = read_day(start) or _days_before(calendar, last)
    given: dict[str, object] = {
        "broker": broker,
        "instruments": list(instruments),
        "interval": interval,
        "from": first.isoformat(),
        "to": last.isoformat(),
    }
    if chain is not None:
        given["chain"] = chain
    params = CollectionParams.from_json(given)
    services.collection.check(params)
    return params


def chain_of(
    underlying: str | None, *, expiries: str | None, strikes: int | None
) -> dict[str, object] | None:
    """`nearest`, a number, or dates between commas. Raises JobParametersInvalidError."""
    if underlying is None:
        if expiries is None and strikes is None:
            return None
        raise JobParametersInvalidError(
            "--expiries and --strikes are those of a chain.", hint="Name it: --chain NIFTY"
        )
    chain: dict[str, object] = {"underlying": underlying}
    if expiries is not None:
        plain = expiries.strip()
        dates = [each.strip() for each in plain.split(",")]
        is_word = plain.lower() == NEAREST
        chain["expiries"] = NEAREST if is_word else int(plain) if plain.isdecimal() else dates
    if strikes is not None:
        chain["strikes"] = strikes
    return chain


def last_trading_day(calendar: MarketCalendar, today: date) -> date:
    return today if calendar.is_trading_day(today) else calendar.previous_trading_day(today)


def _days_before(calendar: MarketCalendar, last: date) -> date:
    return calendar.trading_days(last - timedelta(days=3 * USUAL_DAYS), last)[-USUAL_DAYS:][0]


def ask(services: Services, wanted: CollectionParams) -> Job:
    return services.jobs.enqueue(DATA_COLLECTION, wanted.to_json(), actor=COMMAND_LINE)


def see_through(services: Services, asked: Job, *, here: bool) -> Job:
    """Work on the job in this process, unless a worker elsewhere takes it and `here` is not set."""
    if not here and _is_taken(services, asked):
        return services.jobs.get(asked.job_id)
    [job] = run_here(services, [asked], console=Console(stderr=True, highlight=False))
    return job


def _is_taken(services: Services, asked: Job) -> bool:
    waited = 0.0
    while waited < TAKEN_WITHIN:
        if services.jobs.get(asked.job_id).state is not JobState.QUEUED:
            return True
        services.clock.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    return False


def print_collection(job: Job, *, mode: str, outlook: Outlook | None = None, as_json: bool) -> None:
    said = None if outlook is None else outlook.said
    if as_json:
        print_json({"mode": mode, **job_document(job), "outlook": said})
        return
    print_mode(mode)
    if job.result_data is None:
        print_job_state(job)
        if said:
            typer.echo(f"It {said}.")
        return
    result: dict[str, Any] = dict(job.result_data)
    shown = result["instruments"][:SERIES_SHOWN]
    print_table(
        f"{result['interval']} bars of {result['from']} to {result['to']}, {result['label']}",
        ("instrument", "requests", "added", "changed", "refused", "held", "expected", "missing"),
        [
            (
                part["instrument"],
                part["requests"],
                f"{part['rows_added']:,}",
                f"{part['rows_changed']:,}",
                _refused(part),
                f"{part['bars_present']:,}",
                f"{part['bars_expected']:,}",
                _missing(part),
            )
            for part in shown
        ],
    )
    _print_rest(result.get("instrument_count", len(result["instruments"])), len(shown))
    if "parts" in result:
        typer.echo(
            f"{result['parts']} parts: {result['requests']:,} requests, "
            f"{result['rows_added']:,} bars added, {result['bars_missing']:,} missing."
        )


def print_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    """What a collection would ask for, and what is held already."""
    if as_json:
        print_json(plan)
        return
    print_mode(plan["mode"])
    print_table(
        f"{plan['interval']} bars of {plan['from']} to {plan['to']}, {plan['label']}: "
        f"{plan['requests']:,} requests to make",
        ("instrument", "from", "requests", "days wanted", "days held", "held", "expected"),
        [
            (
                part["instrument"],
                part["source"],
                part["requests"],
                part["days_wanted"],
                part["days_held"],
                f"{part['bars_present']:,}",
                f"{part['bars_expected']:,}",
            )
            for part in plan["instruments"][:SERIES_SHOWN]
        ],
    )
    _print_rest(len(plan["instruments"]), SERIES_SHOWN)
    if plan["requests"]:
        by_broker = ", ".join(
            f"{count:,} of {broker}" for broker, count in plan["requests_by_broker"].items()
        )
        typer.echo(
            f"{plan['requests']:,} requests ({by_broker}) in {plan['parts']} "
            f"{'parts' if plan['parts'] > 1 else 'part'}. Begun now it {plan['outlook']}."
        )


def _print_rest(series: int, shown: int) -> None:
    if series > shown:
        typer.echo(f"… and {series - shown:,} more: --json lists what is known of each.")


def print_job_state(job: Job) -> None:
    typer.echo(f"Job {job.job_id} is {job.state}.")
    for said in (job.message, job.error_details):
        if said:
            typer.echo(said)
    if job.state is JobState.PAUSED:
        if broker := job.parameters.get("broker"):
            typer.echo(f"Or here: munshi login {broker}")
    elif not job.state.is_final:
        typer.echo(f"A worker has it. See how far: munshi jobs show {job.job_id}")


def _refused(part: dict[str, Any]) -> str:
    """What the broker sent and was not taken, with the reason that most of it shares."""
    counts: dict[str, int] = part["rows_refused"]
    if not counts:
        return "0"
    return f"{sum(counts.values()):,} ({max(counts, key=lambda reason: counts[reason])})"


def _missing(part: dict[str, Any]) -> str:
    found = []
    if part["missing_day_count"]:
        days = ", ".join(part["missing_days"][:_DAYS_SHOWN])
        more = ", …" if part["missing_day_count"] > _DAYS_SHOWN else ""
        found.append(f"{part['missing_day_count']} days ({days}{more})")
    if part["gap_count"]:
        found.append(f"{part['gap_count']} gaps")
    return ", ".join(found) or "nothing"
