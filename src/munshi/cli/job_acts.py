"""Retry, cancel, discard: jobs by their ids, or by a filter after a look at what it means."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from munshi.bootstrap import Services
from munshi.cli.desk import open_desk
from munshi.cli.job_choice import Choice
from munshi.cli.job_filter import read_filter
from munshi.cli.job_output import job_document, job_table
from munshi.cli.output import print_json, print_mode, print_table
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.jobs import Job
from munshi.errors import AppError, RequestInvalidError
from munshi.jobs.bulk import CHUNK, BulkAction, BulkOutcome, BulkPreview

_VERBS = {
    BulkAction.RETRY: "try again",
    BulkAction.CANCEL: "cancel",
    BulkAction.DISCARD: "discard for good",
}
_DONE = {
    BulkAction.RETRY: "queued again",
    BulkAction.CANCEL: "cancelled or told to stop",
    BulkAction.DISCARD: "discarded",
}


def act(
    action: BulkAction,
    job_ids: Sequence[str],
    choice: Choice,
    *,
    yes: bool,
    preview: bool,
    as_json: bool,
) -> None:
    """Raises RequestInvalidError where it is not clear which jobs are meant."""
    if bool(job_ids) is not choice.is_empty:
        raise RequestInvalidError(
            f"Which jobs shall I {_VERBS[action]}?"
            if choice.is_empty
            else "Either ids or a filter, not both.",
            hint="Name their ids, or a filter such as --state or --type; see: munshi jobs list",
        )
    with open_desk() as services:
        if not as_json and (preview or not job_ids):
            print_mode(services.settings.brokers.value)
        if not job_ids:
            _by_filter(services, action, choice, yes=yes, preview=preview, as_json=as_json)
        elif preview:
            _show_named(services, job_ids, as_json=as_json)
        else:
            _by_id(services, action, job_ids, as_json=as_json)


# --- by id -----------------------------------------------------------------------------------


def _show_named(services: Services, job_ids: Sequence[str], *, as_json: bool) -> None:
    jobs = [services.jobs.get(job_id) for job_id in job_ids]
    if as_json:
        print_json({"jobs": len(jobs), "newest": [job_document(job) for job in jobs]})
    else:
        job_table("", jobs)


def _by_id(
    services: Services, action: BulkAction, job_ids: Sequence[str], *, as_json: bool
) -> None:
    """Each by itself: one that is refused does not keep the others back, but the exit code."""
    done: list[Job] = []
    refused: dict[str, str] = {}
    for job_id in job_ids:
        try:
            job, said = _one(services, action, job_id)
        except AppError as error:
            refused[job_id] = " ".join(str(error).split())
            continue
        done.append(job)
        if not as_json:
            typer.echo(f"{job.job_type} {job.job_id} {said}.")
    if as_json:
        print_json({"done": [job_document(job) for job in done], "refused": refused})
    for reason in refused.values():
        typer.echo(f"munshi: {reason}", err=True)
    if refused:
        raise typer.Exit(1)


def _one(services: Services, action: BulkAction, job_id: str) -> tuple[Job, str]:
    if action is BulkAction.RETRY:
        return services.jobs.retry(job_id, actor=COMMAND_LINE), "is queued again"
    if action is BulkAction.CANCEL:
        job = services.jobs.cancel(job_id, actor=COMMAND_LINE)
        return job, "is cancelled" if job.state.is_final else "was told to stop"
    job = services.jobs.get(job_id)
    services.jobs.discard(job_id, actor=COMMAND_LINE)
    return job, "is discarded"


# --- by filter -------------------------------------------------------------------------------


def _by_filter(
    services: Services,
    action: BulkAction,
    choice: Choice,
    *,
    yes: bool,
    preview: bool,
    as_json: bool,
) -> None:
    found = services.job_bulk.preview(action, read_filter(choice))
    if not as_json:
        _show_preview(found)
    if preview:
        if as_json:
            print_json(_document(found))
        return
    outcome = BulkOutcome(done=0, skipped=0)
    if found.jobs:
        if not yes:
            _ask(found)
        outcome = _apply(services, found, asked=not yes)
    if as_json:
        print_json({"action": action, **asdict(outcome)})
    elif found.jobs:
        skipped = f" {outcome.skipped:,} had moved on meanwhile." if outcome.skipped else ""
        typer.echo(f"Jobs {_DONE[action]}: {outcome.done:,}.{skipped}")


def _show_preview(found: BulkPreview) -> None:
    if not found.jobs:
        typer.echo(f"There is nothing to {_VERBS[found.action]}.")
        return
    print_table(
        "",
        ("type", "state", "jobs"),
        [(count.job_type, count.state, count.jobs) for count in found.counts],
    )
    shown = len(found.newest)
    typer.echo("")
    job_table("These:" if shown == found.jobs else f"The newest {shown}:", found.newest)


def _ask(found: BulkPreview) -> None:
    """Raises RequestInvalidError where nobody can answer."""
    jobs = "1 job" if found.jobs == 1 else f"{found.jobs:,} jobs"
    question = f"{_VERBS[found.action].capitalize()} {jobs}?"
    if not sys.stdin.isatty():
        raise RequestInvalidError(
            f"{question} Nothing was done, since nobody is here to answer.",
            hint="Look with --preview, then add --yes.",
        )
    typer.confirm(question, abort=True, err=True)


def _apply(services: Services, found: BulkPreview, *, asked: bool) -> BulkOutcome:
    """What was asked about must not have grown; `--yes` takes what there is."""
    console = Console(stderr=True, highlight=False)
    is_long = found.jobs > CHUNK and console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not is_long) as progress:
        bar = progress.add_task(_VERBS[found.action].capitalize(), total=found.jobs)
        return services.job_bulk.apply(
            found.action,
            found.chosen,
            actor=COMMAND_LINE,
            at_most=found.jobs if asked else None,
            done_so_far=lambda done: progress.update(bar, completed=done),
        )


def _document(found: BulkPreview) -> dict[str, object]:
    return {
        "action": found.action,
        "jobs": found.jobs,
        "counts": [asdict(count) for count in found.counts],
        "newest": [job_document(job) for job in found.newest],
    }
