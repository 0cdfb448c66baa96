"""What a worker and its child processes say to each other: one JSON object a line.

To the child: `run`; `stop` (with `fenced`); `reply` to what the child asked.
From the child: `started`; `progress`, `log`; asking, `lease` and `artifact`; and as a job's last
word one of `done`, `failed`, `stopped`, `paused`, `waiting`.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias, get_args, get_type_hints
from uuid import UUID

from munshi.domain.enums import Service
from munshi.domain.jobs import Job, JobArtifact, JobState
from munshi.jobs.fan_out import NewChild

Message: TypeAlias = dict[str, Any]
LONGEST_MESSAGE = 8_000_000
ENDINGS = frozenset({"done", "failed", "stopped", "paused", "waiting"})
# With which a child leaves when a handler closed the pipe to its worker.
CUT_OFF = 71

_READERS: Mapping[type, Callable[[Any], object]] = {
    UUID: UUID,
    datetime: datetime.fromisoformat,
    JobState: JobState,
    Service: Service,
}


def encode(message: Mapping[str, object]) -> bytes:
    """Raises ValueError or TypeError for what is not JSON or too long, RecursionError if deep."""
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > LONGEST_MESSAGE:
        raise ValueError(f"it takes {len(line):,} bytes; the most is {LONGEST_MESSAGE:,}")
    return line


def decode(line: bytes) -> Message:
    """Raises ValueError for what `encode` did not make."""
    message = json.loads(line)
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ValueError("not a message")  # noqa: TRY004 - whoever reads a pipe expects one error
    return message


def job_to_json(job: Job) -> dict[str, object]:
    return {field.name: _plain(getattr(job, field.name)) for field in dataclasses.fields(job)}


def job_from_json(raw: Mapping[str, Any]) -> Job:
    readers = _job_readers()
    return Job(
        **{
            name: value if value is None or name not in readers else readers[name](value)
            for name, value in raw.items()
        }
    )


def artifact_to_json(artifact: JobArtifact) -> dict[str, object]:
    plain = {
        field.name: _plain(getattr(artifact, field.name)) for field in dataclasses.fields(artifact)
    }
    return plain | {"sha256": artifact.sha256.hex()}


def artifact_from_json(raw: Mapping[str, Any]) -> JobArtifact:
    given = {
        "job_id": UUID(raw["job_id"]),
        "sha256": bytes.fromhex(raw["sha256"]),
        "created_at": datetime.fromisoformat(raw["created_at"]),
    }
    return JobArtifact(**{**raw, **given})


def children_to_json(children: Sequence[NewChild]) -> list[dict[str, object]]:
    return [
        {field.name: _plain(getattr(child, field.name)) for field in dataclasses.fields(child)}
        for child in children
    ]


def children_from_json(raw: Sequence[Mapping[str, Any]]) -> tuple[NewChild, ...]:
    return tuple(NewChild(**child) for child in raw)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


@cache
def _job_readers() -> Mapping[str, Callable[[Any], Any]]:
    """Which fields of a Job are more than JSON, told by their types."""
    return {
        name: reader
        for name, hint in get_type_hints(Job).items()
        for kind, reader in _READERS.items()
        if kind is hint or kind in get_args(hint)
    }
