"""One thread a process that renews leases, stores counts and makes room."""

from collections.abc import Callable
from threading import Event, Lock, Thread

import structlog

from munshi.errors import AppError

_log = structlog.get_logger(__name__)


class Keeper:
    """Begins with the first use, and sleeps while `is_idle`.

    `tend` is called at each tick; it raises AppError where the database cannot be reached.
    """

    def __init__(
        self, *, tend: Callable[[], None], is_idle: Callable[[], bool], tick: float
    ) -> None:
        self._tend = tend
        self._is_idle = is_idle
        self._tick = tick
        self._lock = Lock()
        self._thread: Thread | None = None
        self._work = Event()
        self._stopped = Event()
        self._rests = True

    def wake(self) -> None:
        """There is something to tend."""
        if self._rests:
            self._rests = False
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
            if self._thread is None and not self._stopped.is_set():
                self._thread = Thread(target=self._run, name="munshi-cache", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._tick):
            try:
                self._tend()
            except AppError as error:
                _log.warning("cache.not_tended", reason=str(error))
            except Exception:  # noqa: BLE001 - it is told, and the next look may go well
                _log.exception("cache.keeper_stumbled")
            if self._is_idle():
                self._work.clear()
                self._rests = True
                # Whoever stops it has said so before it can have been cleared.
                if self._is_idle() and not self._stopped.is_set():
                    self._work.wait()
                self._rests = False
