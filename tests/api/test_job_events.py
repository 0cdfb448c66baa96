"""Event streams over a real server: many at once, taken up again, and gone when it stops."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn

from asgi import Caller
from desks import Desk
from jobs.stories import Storyteller
from jobs.waiting import until
from munshi.api import event_stream
from munshi.api.app import create_app
from munshi.api.server import address_of, build_server, listen


@dataclass(frozen=True, slots=True)
class Event:
    event_id: str
    kind: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A desk that is really served."""

    desk: Desk
    port: int
    server: uvicorn.Server
    thread: threading.Thread

    def url(self, path: str) -> str:
        return f"http://localhost:{self.port}{path}"

    def stop(self) -> float:
        """How long it took, in seconds."""
        began = time.monotonic()
        self.server.should_exit = True
        self.thread.join()
        return time.monotonic() - began


@pytest.fixture
def served(desk: Desk) -> Iterator[Served]:
    listener = listen("127.0.0.1", 0)
    here = address_of(listener)
    app = create_app(desk.services, listening=[here])
    server = build_server(app, on_stop=desk.services.job_feed.end)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.005)
    opened = Served(desk=desk, port=here[1], server=server, thread=thread)
    yield opened
    opened.stop()


@pytest.fixture
def stories(desk: Desk) -> Storyteller:
    return Storyteller(
        database=desk.services.database, clock=desk.clock, home=desk.services.settings.home
    )


@contextmanager
def streaming(served: Served, path: str, *, last: str | None = None) -> Iterator[Iterator[Event]]:
    headers = {} if last is None else {"Last-Event-ID": last}
    with (
        httpx.Client(timeout=30, trust_env=False) as client,
        client.stream("GET", served.url(path), headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _events(answer)


def _events(answer: httpx.Response) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line and "event" in fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
        name, _, value = line.partition(": ")
        fields = {**fields, name: value} if line else {}


def lines(events: list[Event]) -> list[object]:
    return [event.data["event"] for event in events if event.kind == "log"]


def test_a_job_is_followed_until_it_has_ended(served: Served, stories: Storyteller) -> None:
    job_id = stories.ask("act", "2")

    with streaming(served, f"/jobs/{job_id}/events") as events, stories.working():
        first = next(events)
        for _ in range(2):
            stories.cue.go.release()
        rest = list(events)

    assert (first.kind, first.event_id, first.data["state"]) == ("state", "0:0", "queued")
    assert lines(rest) == ["Turn 1.", "Turn 2."]
    assert [event.data["state"] for event in rest if event.kind == "state"][-1] == "succeeded"
    assert (rest[-1].kind, rest[-1].event_id) == ("end", "1:2:end")
    assert rest[-1].data["progress_percent"] == 100


def test_a_stream_goes_on_behind_the_last_event(served: Served, stories: Storyteller) -> None:
    job_id = stories.told("tell", "3")
    with streaming(served, f"/jobs/{job_id}/events") as events:
        second = [next(events), next(events)][-1]

    with streaming(served, f"/jobs/{job_id}/events", last=second.event_id) as events:
        rest = list(events)

    assert second.event_id == "1:2"
    assert lines(rest) == ["Line 3.", "Nearly through."]


def test_who_has_seen_the_end_is_told_not_to_come_back(api: Caller, stories: Storyteller) -> None:
    job_id = stories.told("tell", "1")

    answer = api.get(f"/jobs/{job_id}/events", headers={"last-event-id": "1:2:end"})

    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("last", ["x", "1", "1:x", "end", "9" * 50])
def test_an_id_that_is_none_of_ours_is_refused(
    api: Caller, stories: Storyteller, last: str
) -> None:
    job_id = stories.ask("tell", "1")

    answer = api.get(f"/jobs/{job_id}/events", headers={"last-event-id": last})

    assert answer.status == 422


def test_many_streams_take_no_thread_and_no_connection(
    served: Served, stories: Storyteller
) -> None:
    job_ids = [stories.ask("act", "1") for _ in range(60)]
    seen: list[list[Event]] = [[] for _ in job_ids]

    def follow(number: int) -> None:
        with streaming(served, f"/jobs/{job_ids[number]}/events") as events:
            for event in events:
                seen[number].append(event)

    followers = [threading.Thread(target=follow, args=(n,)) for n in range(len(job_ids))]
    for follower in followers:
        follower.start()
    until(lambda: all(seen))
    status = httpx.get(served.url("/jobs/running"), timeout=10, trust_env=False).status_code
    feeds = sum(thread.name == "job-feed" for thread in threading.enumerate())
    with stories.working():
        for _ in job_ids:
            stories.cue.go.release()
        for follower in followers:
            follower.join(60)

    # More than the threads that answer ordinary calls; those are still answered.
    assert (status, feeds) == (200, 1)
    assert [events[-1].kind for events in seen] == ["end"] * len(job_ids)
    assert [lines(events) for events in seen] == [["Turn 1."]] * len(job_ids)


def test_an_idle_stream_shows_now_and_then_that_it_lives(
    served: Served, stories: Storyteller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.05)
    job_id = stories.ask("act", "1")

    with httpx.stream(
        "GET", served.url(f"/jobs/{job_id}/events"), timeout=10, trust_env=False
    ) as answer:
        comments = (line for line in answer.iter_lines() if line.startswith(":"))
        first, second = next(comments), next(comments)

    assert first == second == ": still here"


def test_streams_end_at_once_when_the_server_stops(served: Served, stories: Storyteller) -> None:
    job_id = stories.ask("act", "1")

    with streaming(served, f"/jobs/{job_id}/events") as events:
        next(events)
        seconds = served.stop()
        rest = list(events)

    assert seconds < 2
    assert rest == []


def test_how_long_a_stream_lasted_is_no_answers_time(served: Served, stories: Storyteller) -> None:
    job_id = stories.ask("act", "1")

    with streaming(served, f"/jobs/{job_id}/events") as events:
        next(events)
        served.desk.clock.sleep(3600)
    until(lambda: not any(thread.name == "job-feed" for thread in threading.enumerate()))
    metrics = httpx.get(served.url("/metrics"), timeout=10, trust_env=False).text

    assert 'munshi_http_requests_total{method="GET",status="200"} 1.0' in metrics
    assert "munshi_http_request_seconds_total 0.0" in metrics


def test_a_reader_that_leaves_is_forgotten(served: Served, stories: Storyteller) -> None:
    job_id = stories.ask("act", "1")

    with streaming(served, f"/jobs/{job_id}/events") as events:
        next(events)

    until(lambda: not any(thread.name == "job-feed" for thread in threading.enumerate()))


def test_a_reader_that_takes_nothing_is_dropped(
    served: Served, stories: Storyteller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.01)
    monkeypatch.setattr(event_stream, "KEEP_ALIVE", b": %s\n\n" % (b"x" * 8_000_000))
    job_id = stories.ask("act", "1")

    with socket.create_connection(("127.0.0.1", served.port)) as wire:
        wire.sendall(
            f"GET /jobs/{job_id}/events HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n".encode()
        )
        until(lambda: any(thread.name == "job-feed" for thread in threading.enumerate()))
        until(lambda: not any(thread.name == "job-feed" for thread in threading.enumerate()))
