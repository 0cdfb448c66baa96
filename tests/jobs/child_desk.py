"""Child processes at the desk of a test, and a run that keeps what it is told."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from jobs.child_handlers import spec
from munshi.clock import SystemClock
from munshi.domain.jobs import Job, JobArtifact, JobState, LogLevel
from munshi.errors import AppError
from munshi.jobs.children import ChildPool
from munshi.jobs.run import JobRun

START = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
CLOCK = SystemClock()


def make_job(text: str = "x", *, attempt: int = 1, job_type: str = "echo") -> Job:
    return Job(
        job_id=uuid4(),
        job_type=job_type,
        state=JobState.RUNNING,
        progress_percent=0,
        message="",
        parameters={"text": text},
        result_data=None,
        error_details=None,
        priority=0,
        attempt=attempt,
        max_attempts=3,
        run_at=START,
        waits_for_service=None,
        created_by="asha",
        idempotency_key=None,
        cancel_requested=False,
        created_at=START,
        started_at=START,
        updated_at=START,
        completed_at=None,
        parent_id=None,
    )


@dataclass
class Shelf:
    """The worker of a Recorder: it keeps files in memory and knows the children it was given."""

    renew: Callable[[JobRun], None] = lambda _: None
    parts: list[Job] = field(default_factory=list)
    artifacts: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    refusal: str | None = None

    def children(self, _: UUID) -> list[Job]:
        return self.parts

    def keep_artifact(
        self, run: JobRun, name: str, data: bytes | Path, media_type: str
    ) -> JobArtifact:
        if self.refusal:
            raise AppError(self.refusal)
        content = data.read_bytes() if isinstance(data, Path) else data
        self.artifacts[name] = (content, media_type)
        return JobArtifact(
            job_id=run.job_id,
            attempt=run.attempt,
            name=name,
            path=f"artifacts/{name}",
            sha256=hashlib.sha256(content).digest(),
            size=len(content),
            media_type=media_type,
            created_at=START,
        )


class Recorder(JobRun):
    """A run that keeps its log and each progress it is told of."""

    def __init__(
        self,
        job: Job,
        *,
        lease_seconds: float = 60,
        timeout_seconds: float | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        until = CLOCK.now() + timedelta(seconds=lease_seconds)
        self.shelf = shelf or Shelf()
        super().__init__(
            job, lease_until=until, desk=self.shelf, clock=CLOCK, timeout_seconds=timeout_seconds
        )
        self.begin()
        self.lines: list[tuple[LogLevel, str, dict[str, Any]]] = []
        self.told: list[str] = []
        self.has_reported = threading.Event()

    def progress(self, percent: float, message: str | None = None) -> None:
        super().progress(percent, message)
        self.told.append(message or "")
        self.has_reported.set()

    def log(self, event: str, *, level: LogLevel = LogLevel.INFO, **fields: object) -> None:
        self.lines.append((level, event, fields))

    @property
    def printed(self) -> list[str]:
        return [event for level, event, _ in self.lines if level is LogLevel.OUTPUT]


@dataclass(frozen=True, slots=True)
class Started:
    """A job that runs in a thread of the test's."""

    run: Recorder
    thread: threading.Thread
    ended: list[object] = field(default_factory=list)

    def outcome(self, seconds: float = 60) -> object:
        """What it returned, or the error that it raised."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the job has not ended"
        return self.ended[0]


@dataclass(frozen=True, slots=True)
class ChildDesk:
    """One pool, and jobs that run in it at once or in threads."""

    pool: ChildPool

    def run(self, function: str, text: str = "x", **changed: Any) -> Any:  # noqa: ANN401
        """Run it here; raises what the pool raises."""
        job = make_job(text)
        return self.pool.run(spec(function, **changed), job, Recorder(job))

    def recorded(self, function: str, text: str = "x", **changed: Any) -> Recorder:  # noqa: ANN401
        job = make_job(text)
        run = Recorder(job)
        self.pool.run(spec(function, **changed), job, run)
        return run

    def start(
        self,
        function: str,
        text: str = "x",
        *,
        run: Recorder | None = None,
        **changed: Any,  # noqa: ANN401
    ) -> Started:
        recorder = run or Recorder(make_job(text))
        ended: list[object] = []

        def work() -> None:
            try:
                ended.append(self.pool.run(spec(function, **changed), recorder.job, recorder))
            except BaseException as error:  # noqa: BLE001 - it is what the test looks at
                ended.append(error)

        thread = threading.Thread(target=work, name=f"test-{function}")
        thread.start()
        return Started(recorder, thread, ended)
