"""What a handler in a child process is given: a JobRun whose worker is at the end of a pipe."""

import json
import tempfile
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from munshi.clock import SystemClock
from munshi.domain.jobs import Job, JobArtifact, LogLevel
from munshi.errors import JobHandlerFailedError
from munshi.jobs.child_messages import Message, artifact_from_json
from munshi.jobs.child_wire import ChildWire
from munshi.jobs.run import JobRun

BETWEEN_REPORTS = 0.1
EVENT_CHARACTERS = 4_000
FIELDS_CHARACTERS = 16_000
_clock = SystemClock()


class ChildRun(JobRun):
    """One attempt of a job in this process. `lease_seconds` are left of its lease."""

    def __init__(
        self, job: Job, *, children: Sequence[Job], lease_seconds: float, wire: ChildWire
    ) -> None:
        super().__init__(
            job,
            lease_until=_clock.now() + timedelta(seconds=lease_seconds),
            desk=_Pipe(wire, children),
            clock=_clock,
        )
        self._wire = wire
        self._reporting = threading.Lock()
        self._next_report = 0.0
        self._late_report: threading.Timer | None = None
        self._is_over = False

    def progress(self, percent: float, message: str | None = None) -> None:
        """As everywhere; the worker hears of it at most ten times a second, of the last always."""
        super().progress(percent, message)
        with self._reporting:
            wait = self._next_report - _clock.monotonic()
            if wait <= 0:
                self._report()
            elif self._late_report is None and not self._is_over:
                self._late_report = threading.Timer(wait, self._report_late)
                self._late_report.daemon = True
                self._late_report.start()

    def log(self, event: str, *, level: LogLevel = LogLevel.INFO, **fields: object) -> None:
        """Add a line to the job's log."""
        if not self._is_over:
            line = {"event": str(event)[:EVENT_CHARACTERS], "fields": _storable(fields)}
            self._wire.send({"type": "log", "level": level, **line})

    # --- this process's side -------------------------------------------------------------

    def end(self) -> None:
        """Say the last of the progress, and stop threads that the handler left behind."""
        with self._reporting:
            self._is_over = True
            if self._late_report is not None:
                self._late_report.cancel()
            self._report()
        self.fence()

    def _report_late(self) -> None:
        with self._reporting:
            self._late_report = None
            if not self._is_over:
                self._report()

    def _report(self) -> None:
        unsaved = self.take_unsaved()
        if unsaved is not None:
            self._wire.send(
                {"type": "progress", "percent": unsaved.percent, "message": unsaved.message}
            )
            self._next_report = _clock.monotonic() + BETWEEN_REPORTS


class _Pipe:
    """The worker at its other end, as a run asks it for things."""

    def __init__(self, wire: ChildWire, children: Sequence[Job]) -> None:
        self._wire = wire
        self._children = list(children)

    def renew(self, run: JobRun) -> None:
        reply: Message = self._wire.ask({"type": "lease"})
        run.extend(_clock.now() + timedelta(seconds=reply["lease_seconds"]))

    def children(self, _: UUID) -> list[Job]:
        return list(self._children)

    def keep_artifact(
        self, run: JobRun, name: str, data: bytes | Path, media_type: str
    ) -> JobArtifact:
        """Returns when the worker has taken it. Raises JobHandlerFailedError if it could not."""
        given = data if isinstance(data, Path) else _written(data)
        message = {"name": name, "path": str(given.resolve()), "media_type": media_type}
        try:
            reply = self._wire.ask({"type": "artifact", **message})
        finally:
            if given is not data:
                given.unlink(missing_ok=True)
        run.check_cancelled()
        if error := reply.get("error"):
            raise JobHandlerFailedError(error, retryable=reply["retryable"])
        return artifact_from_json(reply["artifact"])


def _storable(fields: dict[str, object]) -> dict[str, object]:
    """`fields` as JSON; what is not becomes text, and too much of it a remark."""
    try:
        text = json.dumps(fields, default=str, skipkeys=True)
    except Exception:  # noqa: BLE001 - a value may fail at being shown
        return {"fields": "could not be shown"}
    if len(text) > FIELDS_CHARACTERS:
        return {"fields": f"left out: {len(text):,} characters"}
    kept: dict[str, object] = json.loads(text)
    return kept


def _written(data: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="munshi-artifact-", delete=False) as file:
        file.write(data)
    return Path(file.name)
