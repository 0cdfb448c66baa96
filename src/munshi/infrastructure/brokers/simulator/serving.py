"""One simulator process: opens its state, says where it listens, and answers until stopped."""

import os
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import uvicorn
from filelock import FileLock, Timeout

from munshi.clock import Clock, SystemClock
from munshi.domain.market.calendar import MarketCalendar
from munshi.errors import HomeUnusableError, SimulatorRunningError
from munshi.infrastructure.brokers.simulator.app import create_app
from munshi.infrastructure.brokers.simulator.candle_source import CandleSource
from munshi.infrastructure.brokers.simulator.gateway import Connections
from munshi.infrastructure.brokers.simulator.parts import RedirectMode, Redirects
from munshi.infrastructure.brokers.simulator.rate_limits import DOCUMENTED_LIMITS, Limit
from munshi.infrastructure.brokers.simulator.record import (
    SimulatorRecord,
    remove_record,
    write_record,
)
from munshi.infrastructure.brokers.simulator.seed import BREEZE_REDIRECT_URL, KITE_REDIRECT_URL
from munshi.infrastructure.brokers.simulator.server import build_server, listen
from munshi.infrastructure.brokers.simulator.state import ARRIVALS_KEPT, SimulatorState
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles

STATE_NAME = "simulator.db"
LOCK_NAME = "simulator.lock"
LOCK_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How to run; `data` is a folder of real candles, without it the candles are synthetic.

    With `stop_with_parent` the process ends when its standard input does, which also happens when
    whoever holds the other end dies.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    kite_redirect_url: str = KITE_REDIRECT_URL
    breeze_redirect_url: str = BREEZE_REDIRECT_URL
    breeze_redirect_mode: RedirectMode = RedirectMode.GET
    arrivals_kept: int = ARRIVALS_KEPT
    limits: tuple[Limit, ...] = DOCUMENTED_LIMITS
    stop_with_parent: bool = False


def serve(options: ServeOptions, *, clock: Clock | None = None) -> None:
    """Answer until stopped.

    Raises PortBusyError, HomeUnusableError, CandleFileInvalidError, and SimulatorRunningError if
    another simulator keeps its state in this home.
    """
    candles = _candles(options.data)
    with _only_one(options.home):
        _serve(options, candles, clock or SystemClock())


def _serve(options: ServeOptions, candles: CandleSource, clock: Clock) -> None:
    state = _open_state(options, clock)
    try:
        connections = Connections()
        app = create_app(
            state,
            candles,
            limits=options.limits,
            redirects=Redirects(
                kite_url=options.kite_redirect_url,
                breeze_url=options.breeze_redirect_url,
                breeze_mode=options.breeze_redirect_mode,
            ),
            connections=connections,
        )
        server = build_server(app, connections=connections)
        listener = listen(options.host, options.port)
        listener.listen()
        write_record(options.home, _record(options, listener, state))
        if options.stop_with_parent:
            _when_input_ends(lambda: _leave(options.home, server))
        server.run([listener])
    finally:
        remove_record(options.home, pid=os.getpid())
        state.close()


def _leave(home: Path, server: uvicorn.Server) -> None:
    """The record goes first, so that nobody joins a simulator that is about to end."""
    remove_record(home, pid=os.getpid())
    server.should_exit = True


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the home; wait for one that is about to leave it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / LOCK_NAME, timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise SimulatorRunningError(
            f"Another simulator already runs in {home}.", hint="Stop it, or use another --home."
        ) from error
    except OSError as error:
        raise HomeUnusableError(
            f"The simulator cannot keep its state in {home}: {error.strerror}.",
            hint="Choose another folder with --home.",
        ) from error


def _candles(folder: Path | None) -> CandleSource:
    """Reading folders costs a library that most simulators never need, so it is loaded late."""
    if folder is None:
        return SyntheticCandles(MarketCalendar.packaged())
    module = import_module("munshi.infrastructure.brokers.simulator.folder_candles")
    source: CandleSource = module.FolderCandles(folder).open()
    return source


def _open_state(options: ServeOptions, clock: Clock) -> SimulatorState:
    try:
        return SimulatorState(
            options.home / STATE_NAME, clock=clock, arrivals_kept=options.arrivals_kept
        ).open()
    except sqlite3.Error as error:
        raise HomeUnusableError(
            f"The simulator cannot keep its state in {options.home}: {error}.",
            hint="Choose another folder with --home.",
        ) from error


def _record(
    options: ServeOptions, listener: socket.socket, state: SimulatorState
) -> SimulatorRecord:
    port = int(listener.getsockname()[1])
    host = f"[{options.host}]" if ":" in options.host else options.host
    return SimulatorRecord(
        url=f"http://{host}:{port}",
        port=port,
        pid=os.getpid(),
        identity=state.identity,
        owner=os.getppid() if options.stop_with_parent else None,
    )


def _when_input_ends(stop: Callable[[], None]) -> None:
    def wait() -> None:
        while sys.stdin.buffer.read(1024):
            pass
        stop()

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
