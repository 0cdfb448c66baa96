"""Breeze's sockets on the wire: a real Socket.IO server on two paths, prices as lists and CSV."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import socketio
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from munshi.domain.market.intervals import Interval
from munshi.infrastructure.brokers.simulator.bars import MINUTE
from munshi.infrastructure.brokers.simulator.breeze_stocks import (
    bar_text,
    instrument_of,
    stock_of,
)
from munshi.infrastructure.brokers.simulator.endpoints import BREEZE_STREAM, BREEZE_STREAM_PATHS
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.gateway import Connections
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.parts import Parts

LOOK_SECONDS = 0.1
# The broker's are 25 and 20; a desk that is tried out shall notice sooner.
PING_SECONDS, PING_TIMEOUT_SECONDS = 2.0, 5.0
MOST_ROOMS = 4000
REFUSED = "Unauthorized: the session is not valid"
GARBAGE = ('42["stock",["4.1!2885"', '42["stock",["4.1!2885",1,2,3]]', '42["stock",null]')
LOOKED_BACK = timedelta(minutes=10)
Says = Callable[[str], tuple[str, object] | None]


class Wire:
    """One WebSocket under the server, whose messages can be held back, or added to."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_silent = False

    async def send(self, message: Message) -> None:
        if self.is_silent and message["type"] in {"websocket.send", "websocket.close"}:
            return
        await self._send(message)

    async def say(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})


class Line:
    """One client of a socket: who it is, where it listens, and what it was last told."""

    def __init__(self, user: str, key: str, client: tuple[str, int]) -> None:
        self.user = user
        self.key = key
        self.client = client
        self.rooms: dict[str, None] = {}
        self.told: dict[str, object] = {}
        self.feeding: asyncio.Task[None] | None = None


class BreezeSocket:
    """One path. Rooms that nobody knows are joined all the same, and silent."""

    def __init__(self, path: str, parts: Parts, connections: Connections, *, says: Says) -> None:
        self._parts = parts
        self._connections = connections
        self._says = says
        self._lines: dict[str, Line] = {}
        self._wires: dict[tuple[str, int], Wire] = {}
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins="*",
            transports=["websocket"],
            ping_interval=PING_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            logger=False,
            engineio_logger=False,
        )
        for handler in (self.connect, self.disconnect, self.join, self.leave):
            self._server.on(handler.__name__, handler)
        self._inner: ASGIApp = socketio.ASGIApp(self._server, socketio_path=path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._inner(scope, receive, send)
            return
        client = (str(scope["client"][0]), int(scope["client"][1]))
        wire = self._wires[client] = Wire(send)
        try:
            await self._inner(scope, receive, wire.send)
        finally:
            self._wires.pop(client, None)

    async def connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        """A wrong or dead session is refused, and ends a stream that is open."""
        host, port = environ["asgi.scope"]["client"]
        given = auth if isinstance(auth, dict) else {}
        line = Line(str(given.get("user", "")), str(given.get("token", "")), (host, port))
        if not self._is_known(line):
            raise socketio.exceptions.ConnectionRefusedError(REFUSED)
        self._lines[sid] = line
        line.feeding = asyncio.create_task(self._feed(sid, line))

    async def disconnect(self, sid: str, *_: object) -> None:
        line = self._lines.pop(sid, None)
        if line is not None and line.feeding is not None:
            line.feeding.cancel()

    async def join(self, sid: str, rooms: object = None) -> None:
        line = self._lines.get(sid)
        if line is not None:
            for room in _rooms(rooms)[: MOST_ROOMS - len(line.rooms)]:
                line.rooms[room] = None
                line.told.pop(room, None)

    async def leave(self, sid: str, rooms: object = None) -> None:
        line = self._lines.get(sid)
        if line is not None:
            for room in _rooms(rooms):
                line.rooms.pop(room, None)

    def _is_known(self, line: Line) -> bool:
        session = self._parts.breeze.get_by_key(line.user, line.key)
        return session is not None and session.is_live(now=self._parts.state.now_micros())

    async def _feed(self, sid: str, line: Line) -> None:
        with suppress(OSError, RuntimeError, KeyError):
            while await self._survives(sid, line):
                for name, payload in await run_in_threadpool(self._news, line):
                    await self._server.emit(name, payload, to=sid)
                await asyncio.sleep(LOOK_SECONDS)

    async def _survives(self, sid: str, line: Line) -> bool:
        """Whether the line goes on after what befalls it now."""
        fault = self._parts.faults.take(BREEZE_STREAM, of_streams=True)
        wire = self._wires.get(line.client)
        if fault is not None and fault.kind is FaultKind.DROP:
            self._connections.cut(line.client)
            return False
        if fault is not None and wire is not None and fault.kind is FaultKind.SILENT:
            wire.is_silent = True
        if fault is not None and wire is not None and fault.kind is FaultKind.GARBAGE:
            for text in GARBAGE:
                await wire.say(text)
        if self._is_known(line):
            return True
        await self._server.disconnect(sid)
        return False

    def _news(self, line: Line) -> list[tuple[str, object]]:
        """What each room says that the line has not been told."""
        found: list[tuple[str, object]] = []
        for room in list(line.rooms):
            said = self._says(room)
            if said is not None and line.told.get(room) != said:
                line.told[room] = said
                found.append(said)
        return found


class BreezeStream:
    """Both sockets."""

    def __init__(self, parts: Parts, market: Market, connections: Connections) -> None:
        self._market = market
        prices, bars = BREEZE_STREAM_PATHS
        self._sockets = {
            prices: BreezeSocket(prices, parts, connections, says=self._stock),
            bars: BreezeSocket(bars, parts, connections, says=self._bar),
        }

    def routes(self) -> list[BaseRoute]:
        return [Mount(path, app=socket) for path, socket in self._sockets.items()]

    def _stock(self, room: str) -> tuple[str, object] | None:
        instrument = instrument_of(self._market, room)
        stock = stock_of(self._market, instrument, room) if instrument else None
        return None if stock is None else ("stock", stock)

    def _bar(self, room: str) -> tuple[str, object] | None:
        """The last minute that is over."""
        instrument = instrument_of(self._market, room)
        now = self._market.now()
        bars = (
            self._market.bars(
                instrument, Interval.ONE_MINUTE, start=now - LOOKED_BACK, end=now - MINUTE
            )
            if instrument
            else []
        )
        if instrument is None or not bars:
            return None
        return "1MIN", bar_text(instrument, bars[-1], interval="1MIN")


def _rooms(rooms: object) -> list[str]:
    """One room as text, or several as a list; what is neither joins nothing."""
    if isinstance(rooms, str):
        return [rooms]
    return [room for room in rooms if isinstance(room, str)] if isinstance(rooms, list) else []
