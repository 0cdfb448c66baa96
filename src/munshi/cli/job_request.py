"""What is typed to ask for a job: its parameters, and what may be said beside them."""

from collections.abc import Sequence
from datetime import datetime
from typing import get_origin, get_type_hints

from munshi.bootstrap import JOB_TYPES
from munshi.cli.spans import read_span
from munshi.clock import IST
from munshi.errors import JobParametersInvalidError
from munshi.jobs.service import JobRequest


def read_parameters(job_type: str, given: Sequence[str]) -> dict[str, object]:
    """Text by name; what the type declares as several is split at commas.

    Raises JobParametersInvalidError. An unknown type is left for the job service to refuse.
    """
    spec = JOB_TYPES.get(job_type)
    several = {
        name
        for name, hint in (get_type_hints(spec.params).items() if spec else ())
        if get_origin(hint) is tuple
    }
    found: dict[str, object] = {}
    for text in given:
        name, is_given, value = text.partition("=")
        if not is_given or not name:
            raise JobParametersInvalidError(
                f"{text!r} is not NAME=VALUE.", hint="For example: --param broker=kite"
            )
        if name in found:
            raise JobParametersInvalidError(f"{name} is given twice.")
        found[name] = [one.strip() for one in value.split(",")] if name in several else value
    return found


def read_request(
    *,
    queue: str | None,
    priority: int,
    key: str | None,
    unique_for: str | None,
    turn_of: str | None,
    at: datetime | None,
) -> JobRequest:
    """`at` without a zone is IST. Raises RequestInvalidError for a span that is none."""
    return JobRequest(
        queue=queue,
        priority=priority,
        idempotency_key=key,
        unique_for=read_span(unique_for) if unique_for else None,
        concurrency_key=turn_of,
        run_at=at and at.replace(tzinfo=IST),
    )
