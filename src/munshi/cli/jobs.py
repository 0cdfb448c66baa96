"""`munshi jobs`: ask for background work, watch it, stop it, clear up."""

from datetime import datetime
from pathlib import Path

import typer

from munshi.cli.job_choice import (
    Choice,
    JobId,
    JobIds,
    JobType,
    Parent,
    Queue,
    Said,
    Schedule,
    Since,
    States,
    Until,
)
from munshi.cli.job_moves import MOVES, moving, pause, queues, resume, workers
from munshi.cli.output import JsonFlag, print_json, print_mode
from munshi.domain.jobs import JobState

jobs = typer.Typer(
    name="jobs",
    help="Background jobs: list, run, watch, stop, try again, clear up.",
    no_args_is_help=True,
)


@jobs.command("list")
def list_jobs(
    *,
    state: States = None,
    job_type: JobType = None,
    queue: Queue = None,
    schedule: Schedule = None,
    parent: Parent = None,
    said: Said = None,
    since: Since = None,
    until: Until = None,
    cursor: str | None = typer.Option(None, help="Where the page before ended."),
    limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
    as_json: JsonFlag = False,
) -> None:
    """List jobs, newest first: all, or those that fit the options."""
    from munshi.cli.desk import open_desk
    from munshi.cli.job_filter import read_filter
    from munshi.cli.job_output import job_document, job_table

    choice = Choice(
        states=state,
        job_type=job_type,
        queue=queue,
        schedule=schedule,
        parent=parent,
        said=said,
        since=since,
        until=until,
    )
    with open_desk() as services:
        page = services.jobs.recent(limit, cursor=cursor, chosen=read_filter(choice))
        mode = services.settings.brokers.value
    if as_json:
        documents = [job_document(job) for job in page.jobs]
        print_json({"mode": mode, "jobs": documents, "next_cursor": page.next_cursor})
        return
    print_mode(mode)
    job_table("", page.jobs)
    if page.next_cursor:
        typer.echo(f"Older jobs: add --cursor {page.next_cursor}", err=True)


@jobs.command()
def show(job_id: JobId, *, as_json: JsonFlag = False) -> None:
    """Show a job: state, result or error, every attempt, its parts and its files."""
    from munshi.cli.desk import open_desk
    from munshi.cli.job_output import JobStory, print_story

    with open_desk() as services:
        job = services.jobs.get(job_id)
        outlook = services.collection_outlook.of_job(job)
        story = JobStory(
            job=job,
            outlook=None if outlook is None else outlook.said,
            attempts=services.jobs.attempts(job_id),
            children=services.jobs.children(job_id),
            artifacts=services.jobs.artifacts(job_id),
        )
        mode = services.settings.brokers.value
    print_story(story, mode=mode, as_json=as_json)


@jobs.command()
def logs(
    job_id: JobId,
    *,
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on until the job has ended."),
    tail: int | None = typer.Option(None, min=1, max=100_000, help="Only the last lines."),
    as_json: JsonFlag = False,
) -> None:
    """Print what a job said, in IST; with --follow and --json, a document a line."""
    from munshi.cli.job_logs import show_log

    show_log(job_id, tail=tail, follow=follow, as_json=as_json)


@jobs.command()
def artifacts(job_id: JobId, *, as_json: JsonFlag = False) -> None:
    """List the files that a job left."""
    from munshi.cli.job_logs import list_artifacts

    list_artifacts(job_id, as_json=as_json)


@jobs.command()
def artifact(
    job_id: JobId,
    name: str = typer.Argument(metavar="NAME", help="As `munshi jobs artifacts` shows it."),
    *,
    to: Path = typer.Option(Path(), help="The file to write, or the folder to write it in."),
    force: bool = typer.Option(False, "--force", help="Replace a file that is there."),
    as_json: JsonFlag = False,
) -> None:
    """Save a file that a job left, if it still is what its hash says."""
    from munshi.cli.job_logs import save_artifact

    save_artifact(job_id, name, to, force=force, as_json=as_json)


@jobs.command()
def watch(job_ids: JobIds = None, *, as_json: JsonFlag = False) -> None:
    """Watch what runs, or the jobs named until they have ended.

    The exit code is 1 if a job named did not succeed. With --json, a document a line and change.
    """
    from munshi.cli.job_board import watch as watch_jobs

    if not watch_jobs(job_ids or [], as_json=as_json):
        raise typer.Exit(1)


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
    queue: str | None = typer.Option(None, help="Another queue than the type's own."),
    priority: int = typer.Option(0, min=-100, max=100, help="The lower runs first."),
    key: str | None = typer.Option(None, help="Under a key there is one live job, or none yet."),
    unique_for: str | None = typer.Option(
        None, metavar="SPAN", help="Under the key, one job in this time: 90s, 30m, 2h, 7d."
    ),
    turn_of: str | None = typer.Option(
        None, metavar="NAME", help="Whose turn it takes in a queue with a limit for each key."
    ),
    at: datetime | None = typer.Option(None, help="Not before this moment (IST)."),
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
    from munshi.cli.job_output import JobStory, print_story
    from munshi.cli.job_request import read_parameters, read_request
    from munshi.cli.job_watch import run_here
    from munshi.domain.audit import COMMAND_LINE

    request = read_request(
        queue=queue, priority=priority, key=key, unique_for=unique_for, turn_of=turn_of, at=at
    )
    with open_desk(brokers=wait) as services:
        parameters = read_parameters(job_type, param or [])
        asked = services.jobs.enqueue(job_type, parameters, actor=COMMAND_LINE, request=request)
        job = run_here(services, [asked])[0] if wait else asked
        attempts = services.jobs.attempts(job.job_id)
        mode = services.settings.brokers.value
    print_story(JobStory(job=job, attempts=attempts), mode=mode, as_json=as_json)
    if not wait and not as_json:
        typer.echo(
            "A worker runs it: `munshi serve` or `munshi worker`. "
            f"See how far: munshi jobs watch {job.job_id}"
        )
    if wait and job.state is not JobState.SUCCEEDED:
        raise typer.Exit(1)


for action, said in MOVES.items():
    jobs.command(action, help=said)(moving(action))
for command in (pause, resume, queues, workers):
    jobs.command()(command)
