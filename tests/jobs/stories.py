"""Jobs with something to show: a log, files, parts, an error. Put on any desk's database."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from jobs.handlers import REGISTRY, TextParams
from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import LogLevel
from munshi.errors import JobParametersInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.jobs.artifacts import ArtifactStore
from munshi.jobs.fan_out import NewChild
from munshi.jobs.run import JobRun
from munshi.jobs.service import JobRequest, JobService
from munshi.jobs.worker import Worker

STORYTELLER = Actor(user_id="storyteller")
PAGE = b"<p>What came of it.</p>"


@dataclass(frozen=True, slots=True)
class Cue:
    """Where a test and the handler `act` meet: each `go` lets it say one thing more."""

    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


def tell(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """As many lines as the text says, one warning, and two files."""
    run.progress(50, "Telling.")
    for number in range(int(parameters.text)):
        run.log(f"Line {number + 1}.", number=number + 1)
    run.log("Nearly through.", level=LogLevel.WARNING)
    run.add_artifact("report.html", PAGE, "text/html")
    run.add_artifact("odd.bin", b"\x00\x01", "odd\r\nX-Evil: 1")
    return {"lines": int(parameters.text)}


def act(cue: Cue, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """A line and some progress for every go, as often as the text says."""
    turns = int(parameters.text)
    for turn in range(1, turns + 1):
        while not cue.go.acquire(timeout=0.02):
            run.check_cancelled()
        run.log(f"Turn {turn}.")
        run.progress(100.0 * turn / turns, f"Turn {turn} is done.")
    return {"turns": turns}


def refuse(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    run.log("This will not do.", level=LogLevel.ERROR)
    raise JobParametersInvalidError(f"Nobody can do {parameters.text}.")


def share(_: object, run: JobRun, parameters: TextParams) -> dict[str, Any]:
    """Fan out once, into a part for each letter."""
    parts = run.children()
    if not parts:
        run.fan_out(
            [NewChild(job_type="echo", parameters={"text": letter}) for letter in parameters.text]
        )
    return {"parts": len(parts)}


def _spec(function: str) -> JobSpec:
    entry = f"jobs.stories:{function}"
    return JobSpec(params=TextParams, entry=entry, runs_in="thread", idempotent=True)


STORIES: Mapping[str, JobSpec] = {
    **{name: _spec(name) for name in ("tell", "act", "refuse", "share")},
    "echo": replace(REGISTRY["echo"], entry="jobs.stories:echo"),
}


def echo(_: object, __: JobRun, parameters: TextParams) -> dict[str, Any]:
    return {"text": parameters.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storyteller:
    """Asks for such jobs, and runs them."""

    database: Database
    clock: Clock
    home: Path
    cue: Cue = field(default_factory=Cue)

    def ask(self, job_type: str, text: str = "x", *, queue: str | None = None) -> UUID:
        service = JobService(self.database, self.clock, registry=STORIES)
        request = JobRequest(queue=queue)
        asked = service.enqueue(job_type, {"text": text}, actor=STORYTELLER, request=request)
        return asked.job_id

    def worker(self) -> Worker:
        return Worker(
            self.database,
            self.clock,
            registry=STORIES,
            services=self.cue,
            artifacts=ArtifactStore(self.database, self.clock, home=self.home),
            lease_seconds=3.0,
            poll_seconds=0.02,
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker in the background."""
        worker = self.worker()
        worker.start()
        try:
            yield
        finally:
            worker.stop(grace=5)

    def told(self, job_type: str, text: str = "x") -> UUID:
        """Such a job, when it has been run."""
        job_id = self.ask(job_type, text)
        self.worker().run_until_idle()
        return job_id
