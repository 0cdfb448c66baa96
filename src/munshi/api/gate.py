"""The one door every request passes: who calls, how much, what is sent back, and the log."""

import asyncio
import secrets
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from munshi.api.callers import Callers
from munshi.api.event_stream import LASTING
from munshi.api.problems import Refusals, unexpected
from munshi.api.rate_limit import RateLimiter
from munshi.api.roles import REQUEST, Principal, RequestFacts, Role
from munshi.api.security import CallerRules, Headers, is_seen
from munshi.errors import (
    AppError,
    BodyMalformedError,
    BodyTimeoutError,
    BodyTooLargeError,
    PathUnknownError,
)

NoteRequest = Callable[[str, int, float], None]
MAX_BODY_BYTES = 256 * 1024
BODY_SECONDS = 20.0
STILL_GOOD_SECONDS = 10.0
# A page holds its stream while it is seen and lets go when hidden, so holding one is use.
_SEEN_PAGES = "/ui/live/"
_LOGGED_PATH = 200
_NOBODY = Principal(name="anonymous", role=Role.PUBLIC)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_COMMON = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
API_HEADERS = [
    *_COMMON,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
PAGE_HEADERS = [
    *_COMMON,
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Gate:
    """ASGI middleware. Refuses what is foreign or too large, and answers what nobody caught."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        rules: CallerRules,
        callers: Callers,
        refusals: Refusals,
        limiter: RateLimiter | None = None,
        is_secure: bool = False,
        monotonic: Callable[[], float],
        note: NoteRequest | None = None,
    ) -> None:
        self._app = app
        self._rules = rules
        self._callers = callers
        self._refusals = refusals
        self._limiter = limiter
        extra = [_HSTS] if is_secure else []
        self._page_headers = [*PAGE_HEADERS, *extra]
        self._api_headers = [*API_HEADERS, *extra]
        self._monotonic = monotonic
        self._note = note
        self._log = structlog.get_logger().bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._monotonic()
        request_id = secrets.token_hex(12)
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        always = self._page_headers if is_seen(scope["path"]) else self._api_headers
        reply = _Reply(send, [*always, (b"x-request-id", request_id.encode())])
        client = scope.get("client")
        peer = client[0] if client else ""
        scope[REQUEST] = RequestFacts(principal=_NOBODY, request_id=request_id, peer=peer)
        try:
            await self._pass(scope, receive, reply)
        except AppError as error:
            await self._refusals.answer(error, Request(scope))(scope, receive, reply)
        except Exception:
            self._log.exception("request failed", method=scope["method"], path=scope["path"])
            if reply.status:  # too late for another answer: the connection is cut
                raise
            await self._refusals.answer(unexpected(), Request(scope))(scope, receive, reply)
        finally:
            took = self._monotonic() - started
            if self._note is not None:
                seconds = 0.0 if LASTING in scope else took
                self._note(scope["method"], reply.status, seconds)
            self._log.info(
                "request",
                method=scope["method"],
                path=scope["path"][:_LOGGED_PATH],
                status=reply.status,
                caller=scope[REQUEST].principal.name,
                ms=round(took * 1000, 1),
            )

    async def _pass(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise PathUnknownError("The address holds a character that no name has.")
        headers = Headers.read(scope["headers"])
        self._rules.check(scope, headers)
        peer = self._rules.peer(scope, headers)
        principal = await self._callers.find(scope, headers)
        scope[REQUEST] = RequestFacts(
            principal=principal, request_id=scope[REQUEST].request_id, peer=peer
        )
        if self._limiter is not None:
            await self._limiter.admit(principal, peer=peer, path=scope["path"])
        if headers.length is not None and int(headers.length) > MAX_BODY_BYTES:
            raise _too_large()
        receive = _in_time(receive)
        if principal.session is not None or principal.key is not None:
            receive = self._while_good(receive, scope, headers)
        if headers.chunked:
            receive = await _read_whole(receive)
        await self._app(scope, receive, reply)

    def _while_good(self, receive: Receive, scope: Scope, headers: Headers) -> Receive:
        """`receive` to which a caller of a lasting answer has left once they may call no more.

        A page that somebody looks at keeps its session from its idle end.
        """
        is_use = scope["path"].startswith(_SEEN_PAGES)

        async def receive_while_good() -> Message:
            if LASTING not in scope:
                return await receive()
            while True:
                try:
                    async with asyncio.timeout(STILL_GOOD_SECONDS):
                        return await receive()
                except TimeoutError:
                    found = await self._callers.find(scope, headers, is_use=is_use)
                if found.role is Role.PUBLIC:
                    return {"type": "http.disconnect"}

        return receive_while_good


class _Reply:
    """`send` that adds the security headers and remembers the status."""

    __slots__ = ("_always", "_send", "status")

    def __init__(self, send: Send, always: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._always = always
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"].extend(self._always)
        await self._send(message)


def _in_time(receive: Receive) -> Receive:
    """`receive` that waits for the body BODY_SECONDS in all; for the caller's leaving, for ever."""
    left = BODY_SECONDS
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal left, is_whole
        if is_whole:
            return await receive()
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError:
            raise BodyTimeoutError(
                f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
            ) from None
        left -= loop.time() - started
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return receive_in_time


async def _read_whole(receive: Receive) -> Receive:
    """A body of unknown length, read up to the limit before anybody acts on it."""
    body = b""
    more = True
    while more:
        message: MutableMapping[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            raise BodyMalformedError("The body ended early.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body is larger than {MAX_BODY_BYTES // 1024} KiB.",
        hint="Send less at a time; `munshi data import` takes large files.",
    )
