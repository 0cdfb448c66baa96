"""The door of the simulator: writes arrivals down, applies faults, then the rate limits."""

import asyncio
import socket
import struct
from email.utils import format_datetime

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from munshi.infrastructure.brokers.simulator.endpoints import (
    Endpoint,
    endpoint_of,
    stream_of,
)
from munshi.infrastructure.brokers.simulator.fault_replies import fault_reply, limit_reply
from munshi.infrastructure.brokers.simulator.faults import Fault, FaultBoard, FaultKind
from munshi.infrastructure.brokers.simulator.rate_limits import RateLimits
from munshi.infrastructure.brokers.simulator.state import SimulatorState

CLIENT_LEFT = "client_left"
LINGER_ZERO = struct.pack("ii", 1, 0)


class Connections:
    """Open client connections by peer address, so that a fault can cut the one it answers."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def opened(self, transport: asyncio.Transport) -> None:
        self._transports[_peer(transport)] = transport

    def closed(self, transport: asyncio.Transport | None) -> None:
        if transport is not None:
            self._transports.pop(_peer(transport), None)

    def cut(self, client: tuple[str, int] | None) -> None:
        """Reset without a word; with SO_LINGER 0 the peer sees a reset and not an end of file."""
        transport = self._transports.get(client) if client else None
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        transport.abort()


class Gateway:
    """ASGI middleware around both brokers. Control routes and unknown paths pass untouched."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        state: SimulatorState,
        limits: RateLimits,
        faults: FaultBoard,
        connections: Connections,
    ) -> None:
        self._app = app
        self._state = state
        self._limits = limits
        self._faults = faults
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = stream_of(scope["path"]) if scope["type"] == "websocket" else None
        if stream is not None:
            await self._open_stream(scope, receive, send, stream)
            return
        endpoint = endpoint_of(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        arrival = self._state.record_arrival(
            service=endpoint.service,
            endpoint_class=endpoint.endpoint_class,
            method=scope["method"],
            path=scope["path"],
        )
        fault = self._faults.take(endpoint)
        status: int | None = None

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"].append((b"date", self._date()))
                self._state.record_answer(
                    arrival, status=status, fault=fault.kind.value if fault else None
                )
            await send(message)

        if fault and fault.kind is FaultKind.RESET:
            await self._handle_then_cut(scope, receive, endpoint)
            self._state.record_answer(arrival, status=None, fault=fault.kind.value)
            return
        try:
            if fault and fault.kind is FaultKind.LATE:
                await self._answer_late(scope, receive, watched_send, endpoint, fault)
                return
            await self._answer(scope, receive, watched_send, endpoint, fault)
        except ClientDisconnect:
            # Nobody is left to answer; the log of arrivals still says how the call ended.
            ended = fault.kind.value if fault else CLIENT_LEFT
            self._state.record_answer(arrival, status=None, fault=ended)

    async def _open_stream(
        self, scope: Scope, receive: Receive, send: Send, stream: Endpoint
    ) -> None:
        """The handshake is a call like any other; what befalls the open stream is its own."""
        arrival = self._state.record_arrival(
            service=stream.service,
            endpoint_class=stream.endpoint_class,
            method="GET",
            path=scope["path"],
        )
        fault = self._faults.take(stream)

        async def watched_send(message: Message) -> None:
            statuses = {
                "websocket.accept": 101,
                "websocket.close": 403,
                "websocket.http.response.start": int(message.get("status", 0)),
            }
            if not opened and message["type"] in statuses:
                opened.append(message["type"])
                self._state.record_answer(
                    arrival,
                    status=statuses[message["type"]],
                    fault=fault.kind.value if fault else None,
                )
            await send(message)

        opened: list[str] = []
        if fault and fault.kind is FaultKind.RESET:
            self._state.record_answer(arrival, status=None, fault=fault.kind.value)
            client = scope.get("client")
            self._connections.cut((str(client[0]), int(client[1])) if client else None)
            return
        await self._answer(scope, receive, watched_send, stream, fault)

    def _date(self) -> bytes:
        return format_datetime(self._state.now(), usegmt=True).encode()

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, endpoint: Endpoint, fault: Fault | None
    ) -> None:
        if fault and fault.kind is FaultKind.HANG:
            await asyncio.sleep(fault.seconds)
        elif fault:
            reply = fault_reply(fault.kind, service=endpoint.service)
            if reply is not None:
                await reply(scope, receive, send)
                return
        if endpoint.bucket is not None:
            broken = self._limits.take(endpoint.service, endpoint.bucket)
            if broken is not None:
                await limit_reply(broken)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer_late(
        self, scope: Scope, receive: Receive, send: Send, endpoint: Endpoint, fault: Fault
    ) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._answer(scope, receive, keep, endpoint, None)
        await asyncio.sleep(fault.seconds)
        for message in kept:
            await send(message)

    async def _handle_then_cut(self, scope: Scope, receive: Receive, endpoint: Endpoint) -> None:
        async def swallow(_: Message) -> None:
            return

        await self._answer(scope, receive, swallow, endpoint, None)
        client = scope.get("client")
        self._connections.cut((str(client[0]), int(client[1])) if client else None)


def _peer(transport: asyncio.Transport) -> tuple[str, int]:
    host, port = transport.get_extra_info("peername", ("", 0))[:2]
    return str(host), int(port)
