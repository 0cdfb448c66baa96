"""One job in one child process, seen from the worker's thread that waits for it."""

import secrets
from pathlib import Path
from queue import Empty, Queue
from typing import NoReturn

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import Job, LogLevel
from munshi.errors import (
    AppError,
    JobHandlerFailedError,
    JobMemoryExceededError,
    JobProcessDiedError,
)
from munshi.infrastructure.causes import cause
from munshi.infrastructure.platform import signal_name
from munshi.jobs.child_messages import (
    CUT_OFF,
    ENDINGS,
    Message,
    artifact_to_json,
    children_from_json,
    job_to_json,
)
from munshi.jobs.child_process import INBOX, ChildProcess
from munshi.jobs.fan_out import JobWaiting
from munshi.jobs.output_lines import OutputCap
from munshi.jobs.run import JobRun
from munshi.jobs.stops import JobCancelled, JobFenced, JobPaused, JobStopped, JobTimedOut

POLL_SECONDS = 0.1
MEMORY_SECONDS = 0.25
# Looking at the memory takes at most a fiftieth of the time.
MEMORY_SHARE = 50
START_SECONDS = 60.0
# For the last of the output.
TAIL_SECONDS = 5.0
EXIT_SECONDS = 1.0
MEGABYTE = 1024 * 1024


class ChildNeverBeganError(Exception):
    """The child was gone before it took the job: another may."""


class ChildJob:
    """From the request to the child's last word, or to the reason why it must be killed."""

    def __init__(
        self,
        child: ChildProcess,
        spec: JobSpec,
        run: JobRun,
        *,
        clock: Clock,
        grace_seconds: float,
    ) -> None:
        self._child = child
        self._spec = spec
        self._run = run
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._inbox: Queue[Message] = Queue(INBOX)
        self._logged = OutputCap()
        self._has_begun = False
        self._ending: Message | None = None
        self._is_output_whole = False
        self._is_gone = False
        self._exit_code: int | None = None
        self._started_at = clock.monotonic()
        self._ended_at = 0.0
        self._next_memory = self._started_at + MEMORY_SECONDS
        self._held = 0
        self._stop_sent_at: float | None = None
        self._sent_fenced = False
        self._is_late = False

    def watch(self, job: Job) -> Message:
        """The child's last word. It must be killed if anything is raised.

        Raises ChildNeverBeganError, JobStopped after the grace,
        JobMemoryExceededError, JobOutputExcessiveError, JobProcessDiedError, and what the run
        itself raises.
        """
        mark = f"end of output {secrets.token_hex(8)}"
        known = self._run.children() if job.attempt > 1 else []
        self._child.begin(self._inbox, mark=mark)
        self._child.send(
            {
                "type": "run",
                "entry": self._spec.entry_for(job.parameters)[0],
                "params": f"{self._spec.params.__module__}:{self._spec.params.__qualname__}",
                "job": job_to_json(job),
                "children": [job_to_json(child) for child in known],
                "lease_seconds": self._lease_seconds(),
                "mark": mark,
            }
        )
        while self._ending is None or not self._is_output_whole:
            try:
                self._take(self._inbox.get(timeout=POLL_SECONDS))
            except Empty:
                if self._child.exit_code is not None:
                    self._bury()
            self._check()
        return self._ending

    # --- what the child says -----------------------------------------------------------------

    def _take(self, message: Message) -> None:
        kind = message["type"]
        if kind in ENDINGS:
            self._ending = message
            self._ended_at = self._clock.monotonic()
        elif kind == "started":
            self._has_begun = True
            self._started_at = self._clock.monotonic()
        elif kind == "output_end":
            self._is_output_whole = True
        elif kind == "gone":
            self._bury()
        elif kind == "excess":
            raise message["error"]
        else:
            self._pass_on(kind, message)

    def _pass_on(self, kind: str, message: Message) -> None:
        """What the run is told; that the job must stop is learned by asking, in `_check`."""
        try:
            if kind == "progress":
                self._run.progress(message["percent"], message["message"] or None)
            elif kind == "output":
                for line in message["lines"]:
                    self._run.log(line, level=LogLevel.OUTPUT)
            elif kind == "log":
                self._log(message)
            elif kind == "lease":
                self._renew()
            elif kind == "artifact":
                self._keep_artifact(message)
        except JobStopped:
            pass

    def _log(self, message: Message) -> None:
        fields = message["fields"]
        self._logged.count(message["event"], lines=1)
        self._run.log(message["event"], level=LogLevel(message["level"]), **fields)

    def _renew(self) -> None:
        try:
            self._run.check_cancelled()
        finally:
            # A stop goes before the reply, so that the handler never takes another step.
            self._pass_on_stop()
            self._child.send({"type": "reply", "lease_seconds": self._lease_seconds()})

    def _keep_artifact(self, message: Message) -> None:
        reply: dict[str, object] = {"type": "reply"}
        try:
            kept = self._run.add_artifact(
                message["name"], Path(message["path"]), message["media_type"]
            )
            reply["artifact"] = artifact_to_json(kept)
        except Exception as error:  # noqa: BLE001 - the handler is told
            reply["error"] = cause(error)
            reply["retryable"] = isinstance(error, AppError) and error.retryable
        finally:
            self._pass_on_stop()
            self._child.send(reply)

    def _lease_seconds(self) -> float:
        return (self._run.lease_until - self._clock.now()).total_seconds()

    # --- what must end it --------------------------------------------------------------------

    def _check(self) -> None:
        now = self._clock.monotonic()
        if self._ending is not None or self._is_gone:
            if now >= self._ended_at + TAIL_SECONDS:
                self._is_output_whole = True
            if self._is_gone and self._is_output_whole and self._ending is None:
                self._died()
            return
        if not self._has_begun and now >= self._started_at + START_SECONDS:
            raise ChildNeverBeganError
        self._pass_on_stop()
        if self._stop_sent_at is not None and now >= self._stop_sent_at + self._grace_seconds:
            self.stopped()
        if now >= self._next_memory:
            self._check_memory(now)

    def _pass_on_stop(self) -> None:
        limit = self._spec.timeout_seconds
        now = self._clock.monotonic()
        if limit is not None and self._has_begun and now >= self._started_at + limit:
            self._is_late = True
        wanted = self._run.should_stop() or self._is_late
        is_news = self._stop_sent_at is None or (self._run.is_fenced and not self._sent_fenced)
        if wanted and is_news:
            self._sent_fenced = self._run.is_fenced
            self._stop_sent_at = self._stop_sent_at or now
            self._child.send({"type": "stop", "fenced": self._sent_fenced})

    def _check_memory(self, now: float) -> None:
        self._held = self._child.memory_bytes()
        if self._held > self._spec.memory_mb * MEGABYTE:
            raise JobMemoryExceededError(
                f"The job held {self._held // MEGABYTE:,} MB of memory; its type may hold "
                f"{self._spec.memory_mb:,} MB."
            )
        took = self._clock.monotonic() - now
        self._next_memory = now + max(MEMORY_SECONDS, took * MEMORY_SHARE)

    def _bury(self) -> None:
        """Its exit code and its last words, which whatever it left behind must not keep open."""
        if self._is_gone:
            return
        self._is_gone = True
        self._child.wait(EXIT_SECONDS)
        self._exit_code = self._child.exit_code
        self._child.kill()
        self._ended_at = self._clock.monotonic()

    def _died(self) -> NoReturn:
        if not self._has_begun:
            raise ChildNeverBeganError
        raise JobProcessDiedError(f"The process that ran the job {_how(self._exit_code)}.")

    # --- how it ended ------------------------------------------------------------------------

    def stopped(self) -> NoReturn:
        """Raise why the job was told to stop."""
        if self._run.is_fenced:
            raise JobFenced
        if self._run.is_cancelled:
            raise JobCancelled
        raise JobTimedOut

    def conclude(self, ending: Message) -> object:
        """What the handler returned; else raises what it raised, as far as that can be said."""
        kind = ending["type"]
        if kind == "done":
            return ending["result"]
        if kind == "paused":
            raise JobPaused(Service(ending["service"]), ending["link"])
        if kind == "waiting":
            raise JobWaiting(children_from_json(ending["children"]))
        if kind == "stopped":
            if self._run.should_stop() or self._is_late:
                self.stopped()
            raise JobFenced if ending["fenced"] else JobCancelled
        raise JobHandlerFailedError(
            ending["cause"],
            retryable=ending["retryable"],
            retry_after=ending.get("retry_after"),
            trace=ending["trace"],
        )


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return "closed the pipe to its worker and went on"
    if exit_code == CUT_OFF:
        return "ended, because the handler had closed the pipe to its worker"
    name = signal_name(exit_code)
    if name == "SIGKILL":
        return "was killed by SIGKILL; perhaps it ran out of memory"
    return f"was ended by {name}" if name else f"ended by itself with exit code {exit_code}"
