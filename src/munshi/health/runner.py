"""Runs checks beside each other, each within its time; one that hangs is left to itself."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog

from munshi.clock import Clock, SystemClock
from munshi.domain.health import Finding, HealthStatus
from munshi.errors import AppError
from munshi.health.ground import Check, CheckGround
from munshi.infrastructure.causes import cause, trace

# So that checks do not take every connection of the pool at once.
AT_ONCE = 4
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found and how long it took."""

    check: Check
    finding: Finding
    milliseconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    check: Check
    thread: threading.Thread
    deadline: float


class CheckRunner:
    """One per process: it remembers the checks that have not come back.

    `stopwatch` measures real time, whatever clock the desk goes by.
    """

    def __init__(self, ground: CheckGround, *, stopwatch: Clock | None = None) -> None:
        self._ground = ground
        self._stopwatch = stopwatch or SystemClock()
        self._hanging: dict[str, threading.Thread] = {}

    def run(self, checks: Iterable[Check]) -> list[Outcome]:
        """Every check's outcome, in their order. Raises nothing; waits no longer than they may."""
        wanted = list(checks)
        found = {outcome.check.component: outcome for outcome in self._outcomes(wanted)}
        return [found[check.component] for check in wanted]

    def _outcomes(self, checks: Iterable[Check]) -> Iterator[Outcome]:
        waiting = deque(checks)
        back: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        out: dict[str, _Running] = {}
        while waiting or out:
            while waiting and len(out) < AT_ONCE:
                check = waiting.popleft()
                if self._is_hanging(check):
                    yield _hung(check, "has not come back from an earlier time")
                else:
                    out[check.component] = self._begin(check, back.put)
            outcome = self._next(back, out.values())
            if outcome is not None and outcome.check.component in out:
                del out[outcome.check.component]
                yield outcome
            for late in [each for each in out.values() if self._is_late(each)]:
                del out[late.check.component]
                self._hanging[late.check.component] = late.thread
                yield _hung(
                    late.check, f"did not come back within {late.check.timeout_seconds:g} s"
                )

    def _is_hanging(self, check: Check) -> bool:
        """Whether the check was given up and still has not come back."""
        thread = self._hanging.get(check.component)
        return thread is not None and thread.is_alive()

    def _begin(self, check: Check, report: Callable[[Outcome], None]) -> "_Running":
        thread = threading.Thread(
            target=self._find, args=(check, report), name=f"check-{check.component}", daemon=True
        )
        deadline = self._stopwatch.monotonic() + check.timeout_seconds
        thread.start()
        return _Running(check=check, thread=thread, deadline=deadline)

    def _is_late(self, running: "_Running") -> bool:
        return running.deadline <= self._stopwatch.monotonic()

    def _next(
        self, back: "queue.SimpleQueue[Outcome]", out: Iterable["_Running"]
    ) -> Outcome | None:
        """The next outcome, or None once one of those that are out is late, or none is."""
        deadline = min((each.deadline for each in out), default=0.0)
        try:
            return back.get(timeout=max(0.0, deadline - self._stopwatch.monotonic()))
        except queue.Empty:
            return None

    def _find(self, check: Check, report: Callable[[Outcome], None]) -> None:
        started = self._stopwatch.monotonic()
        try:
            finding = check.find(self._ground)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what was found
            _log.warning("check failed", component=check.component, trace=trace(error))
            finding = Finding(status=HealthStatus.FAIL, message=_said(error))
        took = (self._stopwatch.monotonic() - started) * 1000
        report(Outcome(check=check, finding=finding, milliseconds=round(took, 2)))


def _said(error: BaseException) -> str:
    """The cause, and the command that mends it where there is one."""
    hint = error.hint if isinstance(error, AppError) else None
    return f"{cause(error)} {hint}" if hint else cause(error)


def _hung(check: Check, how: str) -> Outcome:
    finding = Finding(status=HealthStatus.FAIL, message=f"The check {how}.")
    return Outcome(check=check, finding=finding, milliseconds=None)
