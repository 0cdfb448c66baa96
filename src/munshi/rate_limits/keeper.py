"""One thread a process that stores what was given back, and holds what is in use."""

from threading import Event, Lock, Thread
from typing import Protocol

import structlog

from munshi.errors import AppError

TICK_SECONDS = 0.05
COUNT_SECONDS = 2.0
_REST_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Tend(Protocol):
    """What is done at each tick; raises AppError where the database cannot be reached."""

    def __call__(self, *, is_time_to_count: bool) -> None: ...


class IsIdle(Protocol):
    """Whether there is nothing to tend."""

    def __call__(self) -> bool: ...


class Keeper:
    """Begins with the first permit, and sleeps while there is nothing to do."""

    def __init__(self, *, tend: Tend, is_idle: IsIdle) -> None:
        self._tend = tend
        self._is_idle = is_idle
        self._lock = Lock()
        self._thread: Thread | None = None
        self._work = Event()
        self._stopped = Event()

    def wake(self) -> None:
        """There is something to tend."""
        if not self._work.is_set():
            self._work.set()
        if self._thread is None:
            self._start()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None or self._stopped.is_set():
                return
            self._thread = Thread(target=self._run, name="munshi-quotas", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        ticks, last = round(COUNT_SECONDS / TICK_SECONDS), 0
        while not self._stopped.wait(TICK_SECONDS):
            last += 1
            try:
                self._tend(is_time_to_count=last >= ticks)
            except AppError as error:
                _log.warning("rate_limits.not_stored", reason=str(error))
                self._stopped.wait(_REST_SECONDS)
                continue
            except Exception:  # noqa: BLE001 - it is told, and the next look may go well
                _log.exception("rate_limits.keeper_stumbled")
                self._stopped.wait(_REST_SECONDS)
                continue
            if last >= ticks:
                last = 0
            if self._is_idle():
                self._work.clear()
                # Whoever stops it just now may have been before the line above.
                if self._is_idle() and not self._stopped.is_set():
                    self._work.wait()
