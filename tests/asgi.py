"""Calls an ASGI application in this process, with any peer and any header a test wants."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message

HERE = ("127.0.0.1", 50_000)
PATIENCE_SECONDS = 10.0
CURL = {"host": "localhost:8000", "user-agent": "curl/7.88.1", "accept": "*/*"}


# Whoever wants to know of every answer, such as the search for secrets.
HEARERS: "list[Callable[[str, Answer], None]]" = []


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Caller:
    """Plays curl on this machine, unless told to play somebody else."""

    app: ASGIApp

    def get(self, target: str, **options: Any) -> Answer:  # noqa: ANN401
        return self.ask("GET", target, **options)

    def put(self, target: str, **options: Any) -> Answer:  # noqa: ANN401
        return self.ask("PUT", target, **options)

    def patch(self, target: str, **options: Any) -> Answer:  # noqa: ANN401
        return self.ask("PATCH", target, **options)

    def post(self, target: str, **options: Any) -> Answer:  # noqa: ANN401
        return self.ask("POST", target, **options)

    def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        json_body: object = None,
        body: bytes | Iterable[bytes] = b"",
        peer: tuple[str, int] = HERE,
    ) -> Answer:
        """`headers` add to or replace curl's; None leaves one out. Chunks of `body` go apart."""
        sent: dict[str, str | None] = dict(CURL)
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent["content-type"] = "application/json"
        chunks = [body] if isinstance(body, bytes) else list(body)
        if not isinstance(body, bytes):
            sent["transfer-encoding"] = "chunked"
        elif body:
            sent["content-length"] = str(len(body))
        sent |= headers or {}
        url = urlsplit(target)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(url.path),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [
                (name.encode(), value.encode()) for name, value in sent.items() if value is not None
            ],
            "client": peer,
            "server": ("127.0.0.1", 8000),
        }
        answer = asyncio.run(_converse(self.app, scope, chunks))
        for hear in HEARERS:
            hear(f"{method} {target}", answer)
        return answer


async def _converse(app: ASGIApp, scope: dict[str, Any], chunks: list[bytes]) -> Answer:
    answer = Answer()
    waiting = list(chunks)
    is_whole = asyncio.Event()

    async def receive() -> Message:
        if not waiting:
            # Whoever wants the whole answer stays for it; an endless one is left.
            with suppress(TimeoutError):
                await asyncio.wait_for(is_whole.wait(), PATIENCE_SECONDS)
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
            if not message.get("more_body", False):
                is_whole.set()

    await app(scope, receive, send)
    return answer
