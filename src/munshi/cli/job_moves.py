"""`munshi jobs retry|cancel|discard|pause|resume|queues|workers`: how people steer jobs."""

from collections.abc import Callable
from typing import Annotated

import typer

from munshi.cli.job_choice import (
    Choice,
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
from munshi.cli.output import JsonFlag

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Preview = Annotated[bool, typer.Option("--preview", help="Only show which jobs are meant.")]
PausedQueue = Annotated[str | None, typer.Option("--queue", help="This queue.")]
PausedType = Annotated[str | None, typer.Option("--type", help="The jobs of this type.")]


MOVES = {
    "retry": "Queue jobs that stopped without success again, by id or by filter.",
    "cancel": "Cancel jobs, by id or by filter; those that run are told to stop.",
    "discard": "Delete completed jobs for good, by id or by filter.",
}


def moving(action: str) -> Callable[..., None]:
    """The command for one of `MOVES`: they take the same options, and ask in the same way."""

    def command(
        job_ids: JobIds = None,
        *,
        state: States = None,
        job_type: JobType = None,
        queue: Queue = None,
        schedule: Schedule = None,
        parent: Parent = None,
        said: Said = None,
        since: Since = None,
        until: Until = None,
        yes: Yes = False,
        preview: Preview = False,
        as_json: JsonFlag = False,
    ) -> None:
        from munshi.cli.job_acts import act
        from munshi.jobs.bulk import BulkAction

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
        act(BulkAction(action), job_ids or [], choice, yes=yes, preview=preview, as_json=as_json)

    return command


def pause(
    *,
    queue: PausedQueue = None,
    job_type: PausedType = None,
    reason: str | None = typer.Option(None, help="Why, for whoever wonders."),
    as_json: JsonFlag = False,
) -> None:
    """Take nothing more from a queue, or no more jobs of a type; what runs goes on."""
    from munshi.cli import job_queues

    job_queues.pause(queue=queue, job_type=job_type, reason=reason, as_json=as_json)


def resume(
    *, queue: PausedQueue = None, job_type: PausedType = None, as_json: JsonFlag = False
) -> None:
    """Take from a queue, or jobs of a type, again."""
    from munshi.cli import job_queues

    job_queues.resume(queue=queue, job_type=job_type, as_json=as_json)


def queues(*, as_json: JsonFlag = False) -> None:
    """Show what waits in each queue, what may run at a time, and what is paused."""
    from munshi.cli.job_queues import show_queues

    show_queues(as_json=as_json)


def workers(*, as_json: JsonFlag = False) -> None:
    """Show who works, when they last gave a sign, and how much they run."""
    from munshi.cli.job_queues import show_workers

    show_workers(as_json=as_json)
