"""`munshi jobs watch`: what runs, live."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from munshi.bootstrap import Services
from munshi.cli.desk import open_desk
from munshi.cli.output import print_json_line, print_mode
from munshi.cli.table import printable
from munshi.clock import IST
from munshi.domain.jobs import Job, JobState
from munshi.jobs.watching import Board

POLL_SECONDS = 0.5
BAR_WIDTH = 28
_LINES_PER_JOB = 3
_ID_WIDTH = 36
_GAP = 2
_ORDER = (
    *(JobState.RUNNING, JobState.QUEUED, JobState.SCHEDULED),
    *(JobState.WAITING, JobState.PAUSED, JobState.HELD),
)
_Show = Callable[[Board], None]


def watch(job_ids: Sequence[str], *, as_json: bool) -> bool:
    """Show `job_ids` until they have ended, or else what runs, until Ctrl-C.

    False if one of them did not succeed. Raises JobUnknownError.
    """
    with open_desk() as services:
        wanted = [services.jobs.get(job_id).job_id for job_id in job_ids] or None
        if as_json:
            return _follow(services, wanted, _on_change(_as_json))
        print_mode(services.settings.brokers.value)
        console = Console(highlight=False)
        if not console.is_terminal:
            return _follow(services, wanted, _on_change(_as_lines))
        with Live(console=console, auto_refresh=False) as live:
            return _follow(
                services, wanted, lambda board: live.update(draw(board, console), refresh=True)
            )


def _follow(services: Services, wanted: list[UUID] | None, show: _Show) -> bool:
    while True:
        board = services.job_watch.board(wanted)
        show(board)
        if wanted is not None and all(job.state.is_final for job in board.jobs):
            good = [job for job in board.jobs if job.state is JobState.SUCCEEDED]
            return len(good) == len(wanted)
        services.clock.sleep(POLL_SECONDS)


def _on_change(print_document: Callable[[dict[str, Any]], None]) -> _Show:
    """Print a board where it differs from the one before."""
    last: dict[str, Any] = {}

    def show(board: Board) -> None:
        document = _document(board)
        if document != last:
            print_document(document)
            last.clear()
            last.update(document)

    return show


def _document(board: Board) -> dict[str, Any]:
    return {
        "counts": {str(state): board.counts[state] for state in _ORDER},
        "jobs": [
            {
                "job_id": job.job_id,
                "job_type": job.job_type,
                "state": job.state,
                "attempt": job.attempt,
                "progress_percent": job.progress_percent,
                "progress_rate": job.progress_rate,
                "eta": job.eta,
                "message": job.message,
                "error": job.error_details,
                "said": board.said[job.job_id].event if job.job_id in board.said else None,
            }
            for job in board.jobs
        ],
    }


def _as_json(document: dict[str, Any]) -> None:
    print_json_line(document)


def _as_lines(document: dict[str, Any]) -> None:
    typer.echo(", ".join(f"{count} {state}" for state, count in document["counts"].items()))
    for job in document["jobs"]:
        said = printable(job["error"] or job["message"])
        typer.echo(
            f"  {job['job_id']}  {job['job_type']}  {job['state']}  "
            f"{job['progress_percent']:.0f}%  {said}".rstrip()
        )


def draw(board: Board, console: Console) -> Group:
    """The whole picture, as high as the terminal lets it be."""
    room = max(1, (console.height - 4) // _LINES_PER_JOB)
    counts = Text("   ").join(
        Text(f"{board.counts[state]:,} {state}", style="bold" if board.counts[state] else "dim")
        for state in _ORDER
    )
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 1, 0), show_header=False)
    table.add_column(width=_ID_WIDTH, no_wrap=True)
    table.add_column(width=BAR_WIDTH)
    left = console.width - _ID_WIDTH - BAR_WIDTH - 3 * _GAP
    table.add_column(no_wrap=True, overflow="ellipsis", width=max(_GAP, left))
    for job in board.jobs[:room]:
        table.add_row(*_row(job, board))
    hidden = len(board.jobs) - room
    more = [Text(f"… and {hidden} more: munshi jobs list --state running")] if hidden > 0 else []
    return Group(counts, Text(), table if board.jobs else Text("Nothing runs."), *more)


def _row(job: Job, board: Board) -> tuple[Text, Table, Text]:
    pace = [f"{job.progress_percent:.0f}%"]
    if job.progress_rate:
        pace.append(f"{job.progress_rate:.2g}%/s")
    if job.eta:
        pace.append(f"until {job.eta.astimezone(IST):%H:%M:%S}")
    progress = Table.grid()
    progress.add_row(ProgressBar(total=100, completed=job.progress_percent, width=BAR_WIDTH))
    progress.add_row(Text("  ".join(pace)))
    said = board.said.get(job.job_id)
    lines = [job.error_details or job.message, said.event if said else ""]
    return (
        Text(f"{job.job_type}  {job.state}\n{job.job_id}"),
        progress,
        Text("\n".join(printable(" ".join(line.split())) for line in lines if line)),
    )
