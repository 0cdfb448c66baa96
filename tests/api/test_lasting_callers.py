"""A stream of events ends when whoever reads it may call no more."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from asgi import CURL
from crowd import BROWSER, OWNER, House
from munshi.api import gate


async def _read_stream(
    app: ASGIApp, path: str, headers: dict[str, str], *, then: Callable[[], object]
) -> int:
    """How many seconds, at most four, the stream goes on after `then`, which its start calls."""
    loop = asyncio.get_running_loop()
    began = asyncio.Event()

    async def receive() -> Message:
        if not began.is_set():
            began.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(60)
        raise AssertionError("nobody leaves by themselves")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
            await asyncio.to_thread(then)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
    started = loop.time()
    with suppress(TimeoutError):
        async with asyncio.timeout(4):
            await app(scope, receive, send)
    return int(loop.time() - started)


@pytest.fixture
def stream(house: House, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(gate, "STILL_GOOD_SECONDS", 0.05)
    job = house.desk.services.jobs.enqueue("session_cleanup", {}, actor=OWNER)
    return f"/jobs/{job.job_id}/events"


def test_a_stream_ends_with_the_session(house: House, stream: str) -> None:
    browser = house.browser("omar")
    assert browser.cookie is not None
    headers = {**CURL, **BROWSER, "cookie": browser.cookie}

    def sign_out() -> None:
        house.people.sessions.revoke_all(actor=OWNER)

    seconds = asyncio.run(_read_stream(house.caller.app, stream, headers, then=sign_out))

    assert seconds < 3


def test_a_stream_ends_with_the_key(house: House, stream: str) -> None:
    headers = {**CURL, "authorization": f"Bearer {house.api_key('omar')}"}

    def disable() -> None:
        house.people.users.disable("omar", actor=OWNER)

    seconds = asyncio.run(_read_stream(house.caller.app, stream, headers, then=disable))

    assert seconds < 3


def test_a_stream_of_a_good_caller_goes_on(house: House, stream: str) -> None:
    headers = {**CURL, "authorization": f"Bearer {house.api_key('omar')}"}

    seconds = asyncio.run(_read_stream(house.caller.app, stream, headers, then=lambda: None))

    assert seconds >= 3
