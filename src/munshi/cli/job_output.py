"""How commands show jobs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import typer

from munshi.cli.output import print_json, print_mode, print_table, show_instant, show_minute
from munshi.cli.table import printable
from munshi.clock import IST
from munshi.domain.jobs import Job, JobArtifact, JobAttempt, JobState

MOST_CHILDREN = 50


def job_document(job: Job) -> dict[str, Any]:
    """The names that the API uses."""
    document = asdict(job)
    document["result"] = document.pop("result_data")
    document["error"] = document.pop("error_details")
    document["eta"] = job.eta
    return document


def artifact_document(artifact: JobArtifact) -> dict[str, Any]:
    document = asdict(artifact)
    document["sha256"] = artifact.sha256.hex()
    return document


def state_text(job: Job) -> str:
    """`running 45%, until 14:32`, plainly `succeeded`, and `failed, imported`."""
    if job.state not in {JobState.RUNNING, JobState.WAITING}:
        return f"{job.state}, imported" if job.imported_from else str(job.state)
    percent = f"{job.state} {job.progress_percent:.0f}%"
    return f"{percent}, until {job.eta.astimezone(IST):%H:%M}" if job.eta else percent


def job_table(title: str, jobs: Sequence[Job], *, empty: str = "No jobs.") -> None:
    print_table(
        title,
        ("job", "type", "state", "created IST", "said"),
        [
            (
                job.job_id,
                job.job_type,
                state_text(job),
                show_minute(job.created_at),
                job.error_details or job.message,
            )
            for job in jobs
        ],
        empty=empty,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStory:
    """A job with all that belongs to it."""

    job: Job
    attempts: Sequence[JobAttempt]
    children: Sequence[Job] = ()
    artifacts: Sequence[JobArtifact] = ()
    outlook: str | None = None


def print_story(story: JobStory, *, mode: str, as_json: bool) -> None:
    """One job, every attempt at it, its parts and its files."""
    if as_json:
        print_json(
            {
                "mode": mode,
                **job_document(story.job),
                "outlook": story.outlook,
                "attempts": [asdict(attempt) for attempt in story.attempts],
                "children": [job_document(child) for child in story.children],
                "artifacts": [artifact_document(artifact) for artifact in story.artifacts],
            }
        )
        return
    print_mode(mode)
    for name, value in _facts(story.job, story.outlook).items():
        if value:
            typer.echo(f"{name:<12}{printable(str(value))}")
    if story.job.result_data:
        typer.echo(json.dumps(story.job.result_data, indent=2, ensure_ascii=False))
    _print_attempts(story.attempts)
    _print_children(story)
    if story.artifacts:
        print_artifacts(story.artifacts, title="Files")


def _facts(job: Job, outlook: str | None) -> dict[str, object]:
    return {
        "job": job.job_id,
        "type": job.job_type,
        "state": job.state,
        "progress": _progress(job),
        "message": job.message,
        "outlook": outlook,
        "error": job.error_details,
        "parameters": json.dumps(job.parameters, ensure_ascii=False),
        "queue": job.queue,
        "priority": job.priority,
        "turn of": job.concurrency_key,
        "key": job.idempotency_key,
        "key until": show_instant(job.idempotency_until),
        "schedule": job.schedule_name,
        "part of": job.parent_id,
        "waits for": job.waits_for_service and f"a login at {job.waits_for_service}",
        "told to stop": "yes" if job.cancel_requested and not job.state.is_final else "",
        "asked by": job.created_by,
        "imported": job.imported_from,
        "created": show_instant(job.created_at),
        "not before": show_instant(job.run_at) if job.state is JobState.SCHEDULED else "",
        "started": show_instant(job.started_at),
        "ended": show_instant(job.completed_at),
    }


def _progress(job: Job) -> str:
    """`45%, 1.2% a second, until 22 Nov 2026 22:21:05 IST`, for a job that is under way."""
    if job.state not in {JobState.RUNNING, JobState.WAITING}:
        return ""
    said = [f"{job.progress_percent:.0f}%"]
    if job.progress_rate:
        said.append(f"{job.progress_rate:.2g}% a second")
    if job.eta:
        said.append(f"until {show_instant(job.eta)}")
    return ", ".join(said)


def _print_attempts(attempts: Sequence[JobAttempt]) -> None:
    if attempts:
        print_table(
            "Attempts",
            ("no", "worker", "started", "ended", "outcome", "error"),
            [
                (
                    one.attempt,
                    one.worker_id,
                    show_instant(one.started_at),
                    show_instant(one.finished_at),
                    one.outcome or "runs",
                    one.error,
                )
                for one in attempts
            ],
        )


def _print_children(story: JobStory) -> None:
    if not story.children:
        return
    job_table("Parts", story.children[:MOST_CHILDREN])
    if len(story.children) > MOST_CHILDREN:
        more = len(story.children) - MOST_CHILDREN
        typer.echo(f"{more} more: munshi jobs list --parent {story.job.job_id}")


def print_artifacts(artifacts: Sequence[JobArtifact], *, title: str = "") -> None:
    print_table(
        title,
        ("name", "bytes", "kind", "attempt", "kept"),
        [
            (one.name, one.size, one.media_type, one.attempt, show_instant(one.created_at))
            for one in artifacts
        ],
        empty="No files.",
    )
