"""Queues and workers on a terminal."""

from dataclasses import asdict
from datetime import timedelta

import typer

from munshi.cli.desk import open_desk
from munshi.cli.output import print_json, print_mode, print_table, show_instant
from munshi.cli.spans import show_span
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.jobs import JobPause, PauseKind
from munshi.errors import RequestInvalidError

# Three signs in a row have not come.
SILENT_AFTER = timedelta(seconds=30)
_NAMES = {PauseKind.QUEUE: "Queue", PauseKind.JOB_TYPE: "Job type"}


def pause(*, queue: str | None, job_type: str | None, reason: str | None, as_json: bool) -> None:
    """Raises RequestInvalidError unless one of the two is named."""
    kind, name = _subject(queue, job_type)
    with open_desk() as services:
        changed = services.queues.pause(kind, name, reason=reason, actor=COMMAND_LINE)
    if as_json:
        print_json({"kind": kind, "name": name, "paused": True, "changed": changed})
        return
    typer.echo(
        f"{_NAMES[kind]} {name} is paused: nothing more is taken, what runs goes on."
        if changed
        else f"{_NAMES[kind]} {name} was paused already."
    )


def resume(*, queue: str | None, job_type: str | None, as_json: bool) -> None:
    """Raises RequestInvalidError unless one of the two is named."""
    kind, name = _subject(queue, job_type)
    with open_desk() as services:
        changed = services.queues.resume(kind, name, actor=COMMAND_LINE)
    if as_json:
        print_json({"kind": kind, "name": name, "paused": False, "changed": changed})
        return
    typer.echo(f"{_NAMES[kind]} {name} {'goes on' if changed else 'was not paused'}.")


def _subject(queue: str | None, job_type: str | None) -> tuple[PauseKind, str]:
    if queue and not job_type:
        return PauseKind.QUEUE, queue
    if job_type and not queue:
        return PauseKind.JOB_TYPE, job_type
    raise RequestInvalidError("Name one queue with --queue, or one job type with --type.")


def show_queues(*, as_json: bool) -> None:
    with open_desk() as services:
        board = services.queues.board()
        mode = services.settings.brokers.value
        now = services.clock.now()
    if as_json:
        print_json(
            {
                "mode": mode,
                "queues": [asdict(queue) for queue in board.queues],
                "paused_types": [asdict(pause) for pause in board.paused_types],
            }
        )
        return
    print_mode(mode)
    print_table(
        "Queues",
        ("queue", "queued", "oldest", "limit", "per key", "taken", "paused"),
        [
            (
                queue.name,
                queue.queued,
                show_span(now - queue.oldest_at) if queue.oldest_at else None,
                queue.limits.limit,
                queue.limits.per_key,
                queue.places_taken if queue.limits.limit else None,
                _pause_text(queue.pause),
            )
            for queue in board.queues
        ],
    )
    for paused in board.paused_types:
        typer.echo(f"Job type {paused.name} is paused {_pause_text(paused)}.")


def _pause_text(paused: JobPause | None) -> str:
    if paused is None:
        return ""
    why = f": {paused.reason}" if paused.reason else ""
    return f"since {show_instant(paused.paused_at)} by {paused.paused_by}{why}"


def show_workers(*, as_json: bool) -> None:
    with open_desk() as services:
        workers = services.queues.workers()
        mode = services.settings.brokers.value
        now = services.clock.now()
    ages = {worker.worker_id: now - worker.heartbeat_at for worker in workers}
    if as_json:
        shown = [
            {
                **asdict(worker),
                "heartbeat_age_seconds": max(0.0, ages[worker.worker_id].total_seconds()),
                "silent": ages[worker.worker_id] > SILENT_AFTER,
            }
            for worker in workers
        ]
        print_json({"mode": mode, "workers": shown})
        return
    print_mode(mode)
    print_table(
        "Workers",
        ("worker", "state", "last sign", "runs", "threads", "abandoned", "since"),
        [
            (
                worker.worker_id,
                "silent" if ages[worker.worker_id] > SILENT_AFTER else worker.status,
                f"{show_span(ages[worker.worker_id])} ago",
                worker.running,
                worker.threads,
                worker.abandoned,
                show_instant(worker.started_at),
            )
            for worker in workers
        ],
        empty="none works; start one with `munshi worker` or `munshi serve`.",
    )
