"""What the workers of the chaos tests run, and what it leaves for the verdict.

Effects on the database are fenced: written in a transaction that holds the running attempt. What
goes into files is idempotent, except for `once`, which may be written once.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from uuid import UUID

from sqlalchemy import text

from munshi.domain.job_specs import Backoff, JobSpec
from munshi.errors import BrokerUnavailableError, JobParametersInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.server_connection import patience
from munshi.jobs.fan_out import NewChild
from munshi.jobs.run import JobRun

LIMITED_QUEUE = "narrow"
PLACES = 2
PARTS = 3
ANSWER_SECONDS = 5.0
FOLDER = "MUNSHI_CHAOS_FOLDER"
EFFECTS = text(
    'CREATE TABLE "ChaosEffects" (job_id VARCHAR(36) PRIMARY KEY, attempt INTEGER NOT NULL)'
)
_EFFECT = text(
    'INSERT INTO "ChaosEffects" (job_id, attempt) VALUES (:job_id, :attempt) '
    "ON CONFLICT (job_id) DO UPDATE SET attempt = excluded.attempt"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """How long it takes."""

    seconds: float = 0.0

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        seconds = raw.get("seconds", 0.0)
        if not isinstance(seconds, int | float):
            raise JobParametersInvalidError("seconds must be a number.")
        return cls(seconds=seconds)

    def to_json(self) -> dict[str, object]:
        return {"seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the handlers leave their marks. Each process has a file of lines of its own."""

    database: Database
    lines: Path

    def write_line(self, run: JobRun, kind: str) -> None:
        _write_line(self.lines, run, kind)

    def take_effect(self, job_id: UUID, attempt: int) -> None:
        """Raises JobAttemptFencedError."""
        with patience(ANSWER_SECONDS), self.database.transaction() as tx:
            tx.attempts.check_running(job_id, attempt)
            tx.connection.execute(_EFFECT, {"job_id": str(job_id), "attempt": attempt})


def _write_line(lines: Path, run: JobRun, kind: str) -> None:
    with lines.open("a", encoding="utf-8") as file:
        file.write(f"{kind} {run.job_id} {run.attempt}\n")


def brief(ground: Ground, run: JobRun, errand: Errand) -> dict[str, Any]:
    time.sleep(errand.seconds)
    ground.write_line(run, "brief")
    return {}


def effect(ground: Ground, run: JobRun, errand: Errand) -> dict[str, Any]:
    """Work in small steps, each of which asks whether to go on; then take effect."""
    for step in range(4):
        run.progress(25 * step, f"Step {step}.")
        time.sleep(errand.seconds / 4)
    run.check_cancelled()
    ground.take_effect(run.job_id, run.attempt)
    return {"attempt": run.attempt}


def compute(lines: Path, run: JobRun, errand: Errand) -> dict[str, Any]:
    """In a child process, which may be killed alone."""
    for step in range(4):
        run.progress(25 * step)
        time.sleep(errand.seconds / 4)
    _write_line(lines, run, "compute")
    return {}


@contextmanager
def child_lines() -> Iterator[Path]:
    """Where a child process leaves its lines."""
    yield Path(os.environ[FOLDER]) / f"lines-{os.getpid()}"


def once(ground: Ground, run: JobRun, errand: Errand) -> dict[str, Any]:
    ground.write_line(run, "once")
    time.sleep(errand.seconds)
    return {}


def flaky(ground: Ground, run: JobRun, errand: Errand) -> dict[str, Any]:
    """Fail by itself the first time."""
    if not run.job.errors:
        raise BrokerUnavailableError("The broker is down.")
    return effect(ground, run, errand)


def family(ground: Ground, run: JobRun, errand: Errand) -> dict[str, Any]:
    """Fan out, and take effect when all parts are there."""
    parts = run.children()
    if not parts:
        run.fan_out(
            [NewChild(job_type="effect", parameters=errand.to_json()) for _ in range(PARTS)]
        )
    ground.take_effect(run.job_id, run.attempt)
    return {"parts": [str(part.state) for part in parts]}


def _spec(
    entry: str,
    *,
    idempotent: bool = True,
    is_brief: bool = False,
    queue: str = "default",
    runs_in: Literal["thread", "process"] = "thread",
) -> JobSpec:
    return JobSpec(
        params=Errand,
        entry=f"chaos.work:{entry}",
        runs_in=runs_in,
        idempotent=idempotent,
        brief=is_brief,
        queue=queue,
        # Nobody here is poison, however often its worker is killed; nor is the database's absence
        # the job's fault.
        max_crashes=1000,
        max_attempts=1000,
        backoff=Backoff(first_seconds=0.2, longest_seconds=1.0),
    )


REGISTRY: Mapping[str, JobSpec] = {
    "brief": _spec("brief", is_brief=True),
    "effect": _spec("effect"),
    "narrow": _spec("effect", queue=LIMITED_QUEUE),
    "once": _spec("once", idempotent=False),
    "flaky": _spec("flaky"),
    "compute": _spec("compute", runs_in="process"),
    "family": _spec("family"),
}
