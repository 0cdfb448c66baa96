"""Kite's ticker on the wire: subscriptions as JSON, prices as binary, a heartbeat when idle."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from munshi.infrastructure.brokers.simulator.endpoints import (
    CONTROL_PREFIX,
    TICKER,
    TICKER_PATH,
)
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.gateway import Connections
from munshi.infrastructure.brokers.simulator.kite_packets import HEARTBEAT, pack_frame
from munshi.infrastructure.brokers.simulator.kite_replies import KiteRefusedError, token_refused
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.parts import Parts
from munshi.infrastructure.brokers.simulator.tick_states import packet_of

LOOK_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0
MOST_INSTRUMENTS = 3000
MOST_CONNECTIONS = 3
MODES = frozenset({"ltp", "quote", "full"})
GARBAGE = b"\x00\x03\x00\x08\xff"
POLICY_VIOLATION = 1008


class Line:
    """One connection: what it asked for, and what it was last sent of each instrument."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.modes: dict[int, str] = {}
        self.sent: dict[int, bytes] = {}
        self.is_silent = False
        self.sent_at = 0.0

    async def send(self, message: bytes | str) -> None:
        if self.is_silent:
            return
        if isinstance(message, bytes):
            await self.socket.send_bytes(message)
        else:
            await self.socket.send_text(message)
        self.sent_at = time.monotonic()

    async def take_order(self, text: str) -> None:
        """One message of the client; what cannot be done is answered and ends nothing."""
        try:
            asked = json.loads(text)
            tokens, mode = _tokens_and_mode(asked)
        except (ValueError, TypeError, KeyError):
            await self.send(json.dumps({"type": "error", "data": "Invalid message"}))
            return
        if asked["a"] == "unsubscribe":
            for token in tokens:
                self.modes.pop(token, None)
                self.sent.pop(token, None)
            return
        for number, token in enumerate(tokens):
            if token not in self.modes and len(self.modes) >= MOST_INSTRUMENTS:
                left = len(tokens) - number
                told = f"Subscription limit is {MOST_INSTRUMENTS}; {left} were left out"
                await self.send(json.dumps({"type": "error", "data": told}))
                return
            self.modes[token] = mode or self.modes.get(token, "quote")
            self.sent.pop(token, None)


class KiteTicker:
    """Accepts lines, feeds each from the market, and lets faults befall them."""

    def __init__(self, parts: Parts, market: Market, connections: Connections) -> None:
        self._parts = parts
        self._market = market
        self._connections = connections
        self._lines: set[Line] = set()

    def routes(self) -> list[BaseRoute]:
        return [
            WebSocketRoute(TICKER_PATH, self.stream),
            Route(f"{CONTROL_PREFIX}ticker", self.control, methods=["GET", "POST"]),
        ]

    async def stream(self, socket: WebSocket) -> None:
        """A wrong or dead token is a 403 to the handshake, and ends a stream that is open."""
        if not self._accepts(socket):
            await socket.send_denial_response(token_refused().reply())
            return
        if len(self._lines) >= MOST_CONNECTIONS:
            too_many = KiteRefusedError(429, "NetworkException", "Too many connections")
            await socket.send_denial_response(too_many.reply())
            return
        line = Line(socket)
        self._lines.add(line)
        feeding = None
        try:
            await socket.accept()
            feeding = asyncio.create_task(self._feed(line))
            while True:
                await line.take_order(await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):
            pass  # the client left, was cut off, or sent bytes: either way the line is over
        finally:
            self._lines.discard(line)
            if feeding is not None:
                feeding.cancel()
            with suppress(RuntimeError, WebSocketDisconnect):
                if socket.application_state is WebSocketState.CONNECTED:
                    await socket.close()

    async def control(self, request: Request) -> JSONResponse:
        """POST `{type, data}` sends a text message on every line; GET counts what is asked for."""
        if request.client is None or not request.client.host.startswith("127."):
            raise HTTPException(403, "The simulator's controls answer only to this machine.")
        if request.method == "POST":
            told = json.dumps(await request.json())
            for line in list(self._lines):
                await line.send(told)
        lines = [{str(token): mode for token, mode in line.modes.items()} for line in self._lines]
        return JSONResponse({"simulated": True, "lines": lines})

    async def _feed(self, line: Line) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while await self._survives(line):
                frame = await run_in_threadpool(self._changed, line)
                if frame is not None:
                    await line.send(frame)
                elif time.monotonic() - line.sent_at >= HEARTBEAT_SECONDS:
                    await line.send(HEARTBEAT)
                await asyncio.sleep(LOOK_SECONDS)

    async def _survives(self, line: Line) -> bool:
        """Whether the line goes on after what befalls it now."""
        fault = self._parts.faults.take(TICKER, of_streams=True)
        if fault is not None and fault.kind is FaultKind.DROP:
            client = line.socket.client
            self._connections.cut((client.host, client.port) if client else None)
            return False
        if fault is not None and fault.kind is FaultKind.SILENT:
            line.is_silent = True
        if fault is not None and fault.kind is FaultKind.GARBAGE:
            await line.send(GARBAGE)
        if self._accepts(line.socket):
            return True
        await line.socket.close(POLICY_VIOLATION)
        return False

    def _accepts(self, socket: WebSocket) -> bool:
        asked = socket.query_params
        return self._parts.kite.accepts(
            asked.get("access_token", ""), api_key=asked.get("api_key", "")
        )

    def _changed(self, line: Line) -> bytes | None:
        """What has other prices than the line was last sent, as one message."""
        by_token = self._market.listing().by_token if line.modes else {}
        packets = []
        for token, mode in list(line.modes.items()):
            instrument = by_token.get(token)
            packet = packet_of(self._market, instrument, mode=mode) if instrument else None
            if packet is not None and line.sent.get(token) != packet:
                line.sent[token] = packet
                packets.append(packet)
        return pack_frame(packets) if packets else None


def _tokens_and_mode(asked: dict[str, Any]) -> tuple[list[int], str | None]:
    """Raises ValueError, TypeError or KeyError for what is none of the three messages."""
    mode, tokens = None, asked["v"]
    if asked["a"] == "mode":
        mode, tokens = asked["v"]
        if mode not in MODES:
            raise ValueError(mode)
    elif asked["a"] not in {"subscribe", "unsubscribe"}:
        raise ValueError(asked["a"])
    return [int(token) for token in tokens], mode
