"""`munshi jobs`: ask for background work, watch it, stop it, clear up."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_minute
from munshi.domain.jobs import JobState

jobs = typer.Typer(
    name="jobs",
    help="Background jobs: list, run, watch, cancel, clear up.",
    no_args_is_help=True,
)
JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="As `munshi jobs list` shows it.")]


@jobs.command("list")
def list_jobs(
    *,
    state: list[JobState] | None = typer.Option(None, help="Only in this state; repeatable."),
    job_type: str | None = typer.Option(None, "--type", help="Only of this type."),
    limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
    as_json: JsonFlag = False,
) -> None:
    """List the newest jobs."""
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import job_document, state_text

    with open_desk() as services:
        found = services.jobs.recent(limit, states=state or None, job_type=job_type).jobs
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, "jobs": [job_document(job) for job in found]})
        return
    print_mode(mode)
    print_table(
        "",
        ("job", "type", "state", "created IST"),
        [(job.job_id, job.job_type, state_text(job), show_minute(job.created_at)) for job in found],
        empty="No jobs.",
    )


@jobs.command()
def show(job_id: JobId, *, as_json: JsonFlag = False) -> None:
    """Show a job: state, result or error, and every attempt."""
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import print_job

    with open_desk() as services:
        job = services.jobs.get(job_id)
        attempts = services.jobs.attempts(job_id)
        mode = services.settings.brokers.value
    print_job(job, mode=mode, attempts=attempts, as_json=as_json)


@jobs.command()
def cancel(job_id: JobId, *, as_json: JsonFlag = False) -> None:
    """Cancel a job; one that runs is told to stop."""
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import job_document
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        job = services.jobs.cancel(job_id, actor=COMMAND_LINE)
        mode = services.settings.brokers.value
    if as_json:
        print_json({"mode": mode, **job_document(job)})
    elif job.state.is_final:
        typer.echo(f"{job.job_type} {job.job_id} is cancelled.")
    else:
        typer.echo(f"{job.job_type} {job.job_id} was told to stop.")


@jobs.command()
def cleanup(
    *,
    days: int | None = typer.Option(
        None, min=0, help="Keep jobs that ended within this many days [jobs/keep_days]."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Delete jobs that ended long ago."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE
    from munshi.domain.config_keys import JOBS, KEEP_DAYS

    with open_desk() as services:
        keep = int(services.config.value(JOBS, KEEP_DAYS)) if days is None else days
        deleted = services.jobs.cleanup(keep, actor=COMMAND_LINE)
    if as_json:
        print_json({"deleted": deleted, "days": keep})
        return
    typer.echo(f"Jobs deleted that ended more than {keep} days ago: {deleted}.")


@jobs.command()
def run(
    job_type: str = typer.Argument(metavar="TYPE", help="data_collection or auto_login."),
    *,
    param: list[str] | None = typer.Option(
        None, metavar="NAME=VALUE", help="A parameter; repeatable. Lists take commas."
    ),
    wait: bool = typer.Option(
        False, "--wait", help="Work here until it has ended, showing how far it is."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Ask for a job; with --wait, run it here.

    Without --wait a worker elsewhere (`munshi serve`, `munshi worker`) runs it.

    For example: munshi jobs run data_collection --wait --param broker=kite
    --param instruments=NIFTY,BANKNIFTY --param interval=5minute
    --param from=2026-11-02 --param to=2026-11-20
    """
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import print_job
    from munshi.cli.job_request import read_parameters
    from munshi.cli.job_watch import run_here
    from munshi.domain.audit import COMMAND_LINE

    with open_desk(brokers=wait) as services:
        parameters = read_parameters(job_type, param or [])
        asked = services.jobs.enqueue(job_type, parameters, actor=COMMAND_LINE)
        job = run_here(services, [asked])[0] if wait else asked
        attempts = services.jobs.attempts(job.job_id)
        mode = services.settings.brokers.value
    print_job(job, mode=mode, attempts=attempts, as_json=as_json)
    if not wait and not as_json:
        typer.echo(
            "A worker runs it: `munshi serve` or `munshi worker`. "
            f"See how far: munshi jobs show {job.job_id}"
        )
    if wait and job.state is not JobState.SUCCEEDED:
        raise typer.Exit(1)
