"""Server-sent events: an answer that goes on, without holding a thread or a connection."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Set in the scope of what lasts as long as its reader wants, which is no answer's time.
LASTING = "munshi.lasting"
KEEP_ALIVE_SECONDS = 15.0
# How long a reader may leave what was sent to it untouched.
SLOW_SECONDS = 10.0
RETRY_MS = 2000
KEEP_ALIVE = b": still here\n\n"
_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Where events come from, already spelt; called in the event loop, so it never waits."""

    @property
    def is_over(self) -> bool:
        """Nothing will come after what `take` returns next."""
        ...

    def take(self) -> Iterable[bytes]: ...

    def close(self) -> None: ...


class EventStream(Response):
    """Sends what `open_source` gives until it is over, or the reader leaves or is too slow.

    The source may call its `wake` from any thread.
    """

    media_type = "text/event-stream"

    def __init__(self, open_source: Callable[[Callable[[], None]], Source]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._open_source = open_source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Never longer than its reader: leaving ends it at once."""
        scope[LASTING] = True
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it the stream
                loop.call_soon_threadsafe(woken.set)

        source = self._open_source(wake)
        writing = asyncio.create_task(self._write(source, woken, send))
        leaving = asyncio.create_task(_until_left(receive))
        done: set[asyncio.Task[None]] = set()
        try:
            done, _ = await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            source.close()
            for task in (writing, leaving):
                task.cancel()
            results = await asyncio.gather(writing, leaving, return_exceptions=True)
        if writing not in done:  # one whose session ended is still there, and is told of an end
            with suppress(Exception):
                await _send(send, b"", more=False)
        _tell(results[0], path=scope["path"])

    async def _write(self, source: Source, woken: asyncio.Event, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await _send(send, b"retry: %d\n\n" % RETRY_MS)
        is_over = False
        while not is_over:
            is_over = source.is_over
            if events := b"".join(source.take()):
                await _send(send, events)
            if not is_over:
                await _send_while_idle(send, woken)
        await _send(send, b"", more=False)


async def _send_while_idle(send: Send, woken: asyncio.Event) -> None:
    """Until something comes. A sign now and then shows both sides that the other is there."""
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                await woken.wait()
        except TimeoutError:
            await _send(send, KEEP_ALIVE)
        else:
            woken.clear()
            return


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _tell(result: object, *, path: str) -> None:
    if isinstance(result, TimeoutError):
        _log.info("event_stream_reader_dropped", path=path)
    elif isinstance(result, Exception):
        raise result


def spell(event: str, data: str, *, event_id: str | None = None) -> bytes:
    """One event; `data` is a single line, such as JSON without line breaks."""
    named = "" if event_id is None else f"id: {event_id}\n"
    return f"{named}event: {event}\ndata: {data}\n\n".encode()
