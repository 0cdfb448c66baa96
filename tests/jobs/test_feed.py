"""What readers of the feed are given, in which order, and how little it may hold."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from clocks import FakeClock
from jobs.stories import Storyteller
from jobs.waiting import until
from munshi.domain.jobs import JobState
from munshi.infrastructure.database.engine import Database
from munshi.jobs.feed import CAPACITY, EventKind, JobEvent, JobFeed, JobReader
from munshi.jobs.watching import JobWatch


@pytest.fixture
def stories(database: Database, clock: FakeClock, tmp_path: Path) -> Storyteller:
    return Storyteller(database=database, clock=clock, home=tmp_path)


@pytest.fixture
def feed(database: Database) -> Iterator[JobFeed]:
    opened = JobFeed(JobWatch(database))
    yield opened
    opened.close()
    assert not any(thread.name == "job-feed" for thread in threading.enumerate())


def read_to_the_end(reader: JobReader) -> list[JobEvent]:
    events: list[JobEvent] = []

    def is_over() -> bool:
        events.extend(reader.take())
        return reader.is_over

    until(is_over)
    return [*events, *reader.take()]


def subscribe(feed: JobFeed, job_id: UUID, after: tuple[int, int] = (0, 0)) -> JobReader:
    return feed.subscribe(job_id, after=after, wake=lambda: None)


def said(events: list[JobEvent]) -> list[str]:
    return [event.line.event for event in events if event.line]


def test_an_ended_job_is_told_line_by_line_and_then_its_state(
    feed: JobFeed, stories: Storyteller
) -> None:
    job_id = stories.told("tell", "2")

    events = read_to_the_end(subscribe(feed, job_id))

    assert said(events) == ["Line 1.", "Line 2.", "Nearly through."]
    assert [event.kind for event in events[3:]] == [EventKind.STATE, EventKind.END]
    assert events[-1].job is not None
    assert events[-1].job.state is JobState.SUCCEEDED
    assert {event.place for event in events[2:]} == {(1, 3)}


def test_a_reader_goes_on_where_it_left_off(feed: JobFeed, stories: Storyteller) -> None:
    job_id = stories.told("tell", "5")

    events = read_to_the_end(subscribe(feed, job_id, after=(1, 4)))

    assert said(events) == ["Line 5.", "Nearly through."]


def test_a_running_job_is_told_as_it_happens(feed: JobFeed, stories: Storyteller) -> None:
    job_id = stories.ask("act", "2")
    reader = subscribe(feed, job_id)
    events: list[JobEvent] = []

    def has_come(text: str) -> bool:
        events.extend(reader.take())
        return any(event.job is not None and text in event.job.message for event in events)

    with stories.working():
        stories.cue.go.release()
        until(lambda: has_come("Turn 1 is done."))
        stories.cue.go.release()
        events += read_to_the_end(reader)

    states = [event.job.state for event in events if event.kind is EventKind.STATE and event.job]
    assert states[-2:] == [JobState.RUNNING, JobState.SUCCEEDED]
    assert said(events) == ["Turn 1.", "Turn 2."]
    assert events[-1].kind is EventKind.END


def test_a_reader_that_does_not_take_holds_little_and_loses_nothing(
    feed: JobFeed, stories: Storyteller
) -> None:
    job_id = stories.told("tell", "900")
    woken = threading.Event()
    reader = feed.subscribe(job_id, after=(0, 0), wake=woken.set)
    quick = subscribe(feed, job_id)

    all_of_it = read_to_the_end(quick)
    assert woken.wait(30)
    until(lambda: not reader.has_room)
    held = reader.take()
    rest = read_to_the_end(reader)

    assert len(held) <= CAPACITY
    assert said(held + rest) == said(all_of_it)
    assert len(said(all_of_it)) == 901


def test_a_job_that_is_deleted_ends_the_reading(feed: JobFeed, stories: Storyteller) -> None:
    job_id = stories.ask("tell", "1")
    reader = subscribe(feed, job_id)
    until(lambda: bool(reader.take()))

    with stories.database.transaction() as tx:
        tx.jobs.request_cancel(job_id, now=stories.clock.now())
        tx.jobs.discard_job(job_id)
    events = read_to_the_end(reader)

    assert events[-1] == JobEvent(kind=EventKind.END, place=(0, 0), job=None)


def test_one_thread_serves_all_and_goes_when_nobody_reads(
    feed: JobFeed, stories: Storyteller
) -> None:
    readers = [subscribe(feed, stories.ask("act", "1")) for _ in range(20)]
    served: list[JobReader] = []

    def have_all_been_served() -> bool:
        served.extend(reader for reader in readers if reader.take())
        return len(served) == len(readers)

    until(have_all_been_served)

    threads = [thread for thread in threading.enumerate() if thread.name == "job-feed"]
    for reader in readers:
        feed.unsubscribe(reader)

    assert len(threads) == 1
    until(lambda: not threads[0].is_alive())


def test_a_feed_that_has_ended_takes_nobody_in(feed: JobFeed, stories: Storyteller) -> None:
    before = subscribe(feed, stories.ask("act", "1"))
    until(lambda: bool(before.take()))

    feed.end()

    assert before.is_over
    assert subscribe(feed, before.job_id).is_over


def test_a_feed_outlives_a_database_that_is_away(
    feed: JobFeed, stories: Storyteller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobFeed, "after_failure_seconds", 0.05)
    job_id = stories.told("tell", "1")
    with stories.database.engine.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE "JobLogs" RENAME TO away')

    with capture_logs() as logged:
        reader = subscribe(feed, job_id)
        until(lambda: bool(logged))
    with stories.database.engine.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE away RENAME TO "JobLogs"')
    events = read_to_the_end(reader)

    assert (logged[0]["event"], logged[0]["feed"]) == ("feed_failed", "job-feed")
    assert said(events) == ["Line 1.", "Nearly through."]
