"""Listens and serves. Taking the port comes first, before anything else is started."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from munshi.api.connection import PromptConnection
from munshi.api.security import is_loopback
from munshi.errors import BindRefusedError, PortBusyError
from munshi.infrastructure.platform import POSIX

BACKLOG = 512
GRACE_SECONDS = 5
KEEP_ALIVE_SECONDS = 30


def listen(host: str, port: int, *, has_users: bool = False) -> socket.socket:
    """A listening socket; `port` 0 takes a free one.

    Raises BindRefusedError beyond this machine unless somebody can sign in, and PortBusyError
    when the port is taken.
    """
    if not (has_users or is_loopback(host)):
        raise BindRefusedError(
            f"Listening on {host} is refused: whoever reaches that address could use this desk.",
            hint="Make a user first (munshi users add NAME --role admin), or use 127.0.0.1 "
            "(MUNSHI_HOST) and forward the port with ssh -L.",
        )
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's delay of 40 ms on every answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if POSIX:  # elsewhere this option would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortBusyError(
            f"Munshi cannot listen on {address}:{port}: {error.strerror}.",
            hint="Stop what uses the port, or choose another with --port or MUNSHI_PORT.",
        ) from error
    except BaseException:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> tuple[str, int]:
    """The address and port that `listener` really has."""
    host, port = listener.getsockname()[:2]
    return str(host), int(port)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Open answers are waited for, so those without an end must hear of it first."""
        self._on_stop()
        await super().shutdown(sockets)


def build_server(app: ASGIApp, *, on_stop: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A server that believes no forwarding header and writes no log of its own.

    `on_stop` is called when it is told to stop, and must end the event streams.
    """
    return _Server(
        uvicorn.Config(
            app,
            loop="asyncio",  # also where the research extra has brought another
            http=PromptConnection,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        ),
        on_stop=on_stop,
    )
