"""How commands show jobs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from munshi.cli.output import print_json, print_mode, print_table, show_instant
from munshi.domain.jobs import Job, JobAttempt, JobState


def job_document(job: Job) -> dict[str, Any]:
    """The names that the API uses."""
    document = asdict(job)
    document["result"] = document.pop("result_data")
    document["error"] = document.pop("error_details")
    return document


def state_text(job: Job) -> str:
    """`running 45%`, and plainly `succeeded`."""
    if job.state is JobState.RUNNING:
        return f"{job.state} {job.progress_percent:.0f}%"
    return str(job.state)


def print_job(job: Job, *, mode: str, attempts: Sequence[JobAttempt], as_json: bool) -> None:
    """One job with all attempts at it."""
    if as_json:
        shown = [asdict(attempt) for attempt in attempts]
        print_json({"mode": mode, **job_document(job), "attempts": shown})
        return
    print_mode(mode)
    lines = {
        "job": job.job_id,
        "type": job.job_type,
        "state": state_text(job),
        "message": job.message,
        "error": job.error_details,
        "parameters": json.dumps(job.parameters),
        "asked by": job.created_by,
        "created": show_instant(job.created_at),
        "started": show_instant(job.started_at),
        "ended": show_instant(job.completed_at),
    }
    for name, value in lines.items():
        if value:
            typer.echo(f"{name:<12}{value}")
    if job.result_data:
        typer.echo(json.dumps(job.result_data, indent=2, ensure_ascii=False))
    if attempts:
        print_table(
            "Attempts",
            ("no", "started", "outcome", "error"),
            [
                (one.attempt, show_instant(one.started_at), one.outcome or "runs", one.error)
                for one in attempts
            ],
        )
