"""`munshi schedule`: what starts by itself, and when; change it, run it now, look back."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

schedule_app = typer.Typer(
    help="What starts by itself: list, set, pause, run now, look back.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `munshi schedule list` shows it.")]


@schedule_app.command("list")
def list_schedules(*, as_json: JsonFlag = False) -> None:
    """List schedules: timing in words, next five runs (IST), how the last went, misses."""
    from munshi.cli.desk import open_desk
    from munshi.cli.schedule_output import list_row, schedule_document

    with open_desk() as services:
        found = services.schedules.list_all()
        mode = services.settings.brokers.value
        now = services.clock.now()
    if as_json:
        print_json({"mode": mode, "schedules": [schedule_document(view) for view in found]})
        return
    print_mode(mode)
    print_table(
        "",
        ("schedule", "when", "next runs IST", "last", "missed in 30 days"),
        [list_row(view, now=now) for view in found],
        empty="No schedules.",
    )


@schedule_app.command()
def show(name: Name, *, as_json: JsonFlag = False) -> None:
    """Show one schedule with all it says."""
    from munshi.cli.desk import open_desk
    from munshi.cli.schedule_output import print_schedule

    with open_desk() as services:
        found = services.schedules.get(name)
        mode = services.settings.brokers.value
    print_schedule(found, mode=mode, as_json=as_json)


@schedule_app.command()
def run(name: Name, *, as_json: JsonFlag = False) -> None:
    """Ask for the schedule's job now, whatever it says of when; a worker runs it."""
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import job_document
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        job = services.schedules.run(name, actor=COMMAND_LINE)
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, **job_document(job)})
        return
    typer.echo(
        f"{name} is asked for as {job.job_type} {job.job_id}. A worker runs it: `munshi serve` or "
        f"`munshi worker`. See how far: munshi jobs show {job.job_id}"
    )


@schedule_app.command()
def pause(name: Name, *, as_json: JsonFlag = False) -> None:
    """Start nothing more by a schedule until it is resumed."""
    from munshi.cli.desk import open_desk
    from munshi.cli.schedule_output import schedule_document
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        found = services.schedules.pause(name, actor=COMMAND_LINE)
    if as_json:
        print_json(schedule_document(found))
    else:
        typer.echo(f"{name} is paused. Resume it: munshi schedule resume {name}")


@schedule_app.command()
def resume(name: Name, *, as_json: JsonFlag = False) -> None:
    """Go on with a paused schedule, from now on."""
    from munshi.cli.desk import open_desk
    from munshi.cli.schedule_output import next_text, schedule_document
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        found = services.schedules.resume(name, actor=COMMAND_LINE)
    if as_json:
        print_json(schedule_document(found))
    else:
        typer.echo(f"{name} goes on: {next_text(found)}")


@schedule_app.command("set")
def set_schedule(
    name: Name,
    *,
    job_type: str | None = typer.Option(None, "--type", help="The job type to start."),
    param: list[str] | None = typer.Option(
        None, metavar="NAME=VALUE", help="A parameter of the job; repeatable. Lists take commas."
    ),
    times: str | None = typer.Option(None, metavar="HH:MM,…", help="At these times of day, IST."),
    weekdays: bool | None = typer.Option(
        None, "--weekdays/--every-day", help="With --times: Monday to Friday, or every day."
    ),
    cron: str | None = typer.Option(None, metavar="'M H D M W'", help="By a cron expression."),
    zone: str | None = typer.Option(None, help="With --cron: its time zone [Asia/Kolkata]."),
    every: str | None = typer.Option(None, metavar="15m", help="Every 30s, 15m, 6h or 1d."),
    anchor: str | None = typer.Option(
        None, metavar="INSTANT", help="With --every: counted from here [midnight IST]."
    ),
    market_open: int | None = typer.Option(
        None, "--open", metavar="MINUTES", help="Minutes after the open; -15 is before it."
    ),
    market_close: int | None = typer.Option(
        None, "--close", metavar="MINUTES", help="Minutes after the close."
    ),
    market_at: str | None = typer.Option(
        None, "--at", metavar="HH:MM,…", help="At these times, on market days only."
    ),
    segment: str | None = typer.Option(
        None, help="Whose hours: cash, cash_cas or fno [cash; fno for expiry days]."
    ),
    expiry_of: str | None = typer.Option(
        None, metavar="UNDERLYING", help="Only on days when its contracts expire, as NIFTY."
    ),
    monthly: bool = typer.Option(False, "--monthly", help="Of the expiries only the monthly."),
    missed: str | None = typer.Option(None, help="skip, run_once or run_all [run_once]."),
    most: int | None = typer.Option(None, help="With run_all: how many at once [5]."),
    within: int | None = typer.Option(
        None, metavar="SECONDS", help="Make up for nothing that is later than this."
    ),
    grace: int | None = typer.Option(
        None, metavar="SECONDS", help="How late still counts as on time [300]."
    ),
    queue: str | None = typer.Option(None, help="The queue of its jobs."),
    priority: int | None = typer.Option(None, help="-100 to 100; the lower runs first [0]."),
    preview: bool = typer.Option(False, "--preview", help="Say when it would run; store nothing."),
    as_json: JsonFlag = False,
) -> None:
    """Make a schedule, or change what is given of one that is there.

    For example: munshi schedule set kite_login --times 06:20,07:40
    """
    from munshi.cli.desk import open_desk
    from munshi.cli.schedule_output import print_schedule
    from munshi.cli.schedule_request import ScheduleOptions, changed_document
    from munshi.domain.audit import COMMAND_LINE

    options = ScheduleOptions(
        job_type=job_type,
        parameters=param,
        times=times,
        weekdays=weekdays,
        cron=cron,
        zone=zone,
        every=every,
        anchor=anchor,
        market_open=market_open,
        market_close=market_close,
        market_at=market_at,
        segment=segment,
        expiry_of=expiry_of,
        monthly=monthly,
        missed=missed,
        most=most,
        within=within,
        grace=grace,
        queue=queue,
        priority=priority,
    )
    with open_desk() as services:
        document, version = changed_document(services.schedules, name, options)
        found = (
            services.schedules.preview(name, document)
            if preview
            else services.schedules.set(
                name, document, expected_version=version, actor=COMMAND_LINE
            )
        )
        mode = services.settings.brokers.value
    print_schedule(found, mode=mode, as_json=as_json)
    if preview and not as_json:
        typer.echo("Nothing was stored.")


@schedule_app.command()
def remove(name: Name, *, as_json: JsonFlag = False) -> None:
    """Forget a schedule; what it did stays on record."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        services.schedules.remove(name, actor=COMMAND_LINE)
    if as_json:
        print_json({"removed": name})
    else:
        typer.echo(f"{name} is removed.")


@schedule_app.command()
def history(
    name: Name,
    *,
    limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
    as_json: JsonFlag = False,
) -> None:
    """Show what a schedule did, and what it missed and why."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk
    from munshi.cli.schedule_output import outcome_text, took_text

    with open_desk() as services:
        found = services.schedules.history(name, limit)
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "executions": [asdict(row) for row in found]})
        return
    print_mode(mode)
    print_table(
        name,
        ("due", "what became of it", "took", "retries", "broker", "said"),
        [
            (
                show_instant(row.scheduled_for),
                outcome_text(row),
                took_text(row),
                row.retry_count,
                row.platform,
                row.error_details or row.result_message,
            )
            for row in found
        ],
        empty="nothing was due yet.",
    )
