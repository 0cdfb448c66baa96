"""The audit trail as it grows, as the stream and its feed give it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from starlette.types import Message

from apis import slug
from asgi import CURL, HERE, Caller
from desks import TESTER, Desk
from jobs.waiting import until
from munshi.api.app import create_app


class Listener:
    """A reader of a stream that stays until the desk ends all streams."""

    def __init__(self, desk: Desk, target: str, *, last: str | None = None) -> None:
        self.body = b""
        self.status = 0
        self._desk, self._target, self._last = desk, target, last
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()))
        self._thread.start()
        until(lambda: b"retry" in self.body)

    async def _listen(self) -> None:
        url = urlsplit(self._target)
        headers = CURL | ({"last-event-id": self._last} if self._last else {})
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": HERE,
            "server": ("127.0.0.1", 8000),
        }
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            self.status = message.get("status", self.status)
            self.body += message.get("body", b"")

        await create_app(self._desk.services)(scope, receive, send)

    @property
    def values(self) -> list[object]:
        return [
            json.loads(line.removeprefix("data: "))["new_value"]
            for line in self.body.decode().splitlines()
            if line.startswith("data: ")
        ]

    @property
    def last_id(self) -> str:
        ids = [line for line in self.body.decode().splitlines() if line.startswith("id: ")]
        return ids[-1].removeprefix("id: ")

    def stop(self) -> None:
        self._desk.services.end_streams()
        self._thread.join(30)


@pytest.fixture
def listener(desk: Desk) -> Iterator[Listener]:
    opened = Listener(desk, "/audit/events?entity_id=jobs/keep_days")
    yield opened
    opened.stop()


def keep(desk: Desk, days: int) -> None:
    desk.services.config.set("jobs", "keep_days", days, actor=TESTER)


def test_what_is_done_comes_as_it_is_done_within_the_filter(desk: Desk, listener: Listener) -> None:
    desk.services.config.set("auth", "kite.user_id", "AB1234", actor=TESTER)
    keep(desk, 11)
    until(lambda: listener.values == [11])
    keep(desk, 12)

    until(lambda: listener.values == [11, 12])

    assert listener.status == 200


def test_a_stream_taken_up_again_goes_on_behind_the_last_row(
    desk: Desk, listener: Listener
) -> None:
    keep(desk, 11)
    until(lambda: listener.values == [11])
    keep(desk, 12)

    again = Listener(desk, "/audit/events?entity_id=jobs/keep_days", last=listener.last_id)
    until(lambda: 12 in again.values)
    again.stop()

    assert again.values[-1] == 12


def test_a_stream_ends_when_the_desk_ends_it(listener: Listener) -> None:
    listener.stop()

    assert listener.values == []


def test_a_place_of_somebody_elses_is_refused(api: Caller) -> None:
    answer = api.get("/audit/events", headers={"last-event-id": "made-up"})

    assert (answer.status, slug(answer)) == (422, "cursor-invalid")
