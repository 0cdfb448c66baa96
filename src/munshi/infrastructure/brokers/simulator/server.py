"""Runs the simulated brokers on a loopback port."""

import asyncio
import os
import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from munshi.errors import PortBusyError
from munshi.infrastructure.brokers.simulator.gateway import Connections

START_SECONDS = 20.0
GRACE_SECONDS = 1


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; `port` 0 takes a free one. Raises PortBusyError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's delay of 40 ms on every answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # elsewhere the option would let two servers share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortBusyError(
            f"The simulator cannot listen on {host}:{port}: {error.strerror}.",
            hint="Stop what uses the port, or choose another with --port.",
        ) from error
    return listener


def build_server(app: ASGIApp, *, connections: Connections) -> uvicorn.Server:
    """A quiet server that tells `connections` who is connected."""
    config = uvicorn.Config(
        app,
        loop="asyncio",  # also where the research extra has brought another
        http=_protocol(connections),
        ws=_stream_protocol(connections),
        ws_ping_interval=None,  # the broker sends heartbeats of its own
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,  # the brokers have a clock of their own
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)


class ServerThread:
    """The server in a thread of this process."""

    def __init__(self, app: ASGIApp, *, connections: Connections) -> None:
        self._server = build_server(app, connections=connections)
        self._thread: threading.Thread | None = None
        self.url = ""

    def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Returns when calls are answered."""
        listener = listen(host, port)
        self.url = f"http://{host}:{listener.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="simulator", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the simulator did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()


def _protocol(connections: Connections) -> type[H11Protocol]:
    class WatchedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            connections.opened(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self.transport)
            super().connection_lost(exc)

    return WatchedProtocol


def _stream_protocol(connections: Connections) -> type[WebSocketsSansIOProtocol]:
    class WatchedStream(WebSocketsSansIOProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self.transport)
            super().connection_lost(exc)

    return WatchedStream
