"""Many open pages, one thread: drawn once, given once, and nothing lost by who was away."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import pytest

from jobs.waiting import until
from munshi.clock import SystemClock
from munshi.dashboard import live
from munshi.dashboard.live import LiveFeed, Reader, mark_of, spell_part
from munshi.errors import DatabaseUnreachableError


@dataclass(slots=True)
class Board:
    """Something that changes, and how often it was drawn."""

    key: str = "board"
    said: str = "<p>one</p>"
    drawn: int = 0
    is_away: bool = False
    is_broken: bool = False
    threads: set[str] = field(default_factory=set)

    def desk_signs(self) -> str:
        if self.is_away:
            raise DatabaseUnreachableError("Gone for a moment.")
        return self.said

    def signs(self) -> str:
        return ""

    def render(self) -> str:
        if self.is_broken:
            raise ValueError("It cannot be drawn.")
        self.drawn += 1
        self.threads.add(threading.current_thread().name)
        return self.said


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def feed(board: Board, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveFeed]:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(LiveFeed, "after_failure_seconds", 0.01)
    with closing(LiveFeed(SystemClock(), board.desk_signs)) as opened:
        yield opened


def _nobody() -> None:
    """Nobody waits."""


def _taken(reader: Reader) -> bytes:
    found: list[bytes] = []

    def has_come() -> bool:
        found.extend(reader.take())
        return bool(found)

    until(has_come)
    return b"".join(found)


def test_fifty_pages_are_drawn_once_and_each_is_given_the_part(
    board: Board, feed: LiveFeed
) -> None:
    readers = [feed.subscribe(board, seen="", wake=_nobody) for _ in range(50)]

    assert {_taken(reader) for reader in readers} == {spell_part("<p>one</p>")}
    assert board.drawn == 1
    board.said = "<p>two\nlines</p>"
    assert {_taken(reader) for reader in readers} == {
        f"id: {mark_of(board.said)}\ndata: <p>two\ndata: lines</p>\n\n".encode()
    }
    assert board.drawn == 2
    assert len(board.threads) == 1


def _is_held(reader: Reader, said: str) -> bool:
    return reader._next == spell_part(said)  # noqa: SLF001


def test_who_shows_the_newest_part_is_sent_nothing_and_who_was_away_the_newest_only(
    board: Board, feed: LiveFeed
) -> None:
    current = feed.subscribe(board, seen=mark_of(board.said), wake=_nobody)
    slow = feed.subscribe(board, seen="", wake=_nobody)
    until(lambda: board.drawn == 1)
    for said in ("<p>two</p>", "<p>three</p>"):
        board.said = said
        until(partial(_is_held, slow, said))

    assert slow.take() == [spell_part("<p>three</p>")]
    feed.unsubscribe(slow)
    back = feed.subscribe(board, seen=mark_of("<p>three</p>"), wake=_nobody)
    assert current.take() == [spell_part("<p>three</p>")]
    assert back.take() == []


def test_a_database_that_is_away_is_waited_for(board: Board, feed: LiveFeed) -> None:
    board.is_away = True
    reader = feed.subscribe(board, seen="", wake=_nobody)

    board.is_away = False

    assert _taken(reader) == spell_part("<p>one</p>")


def test_a_part_that_cannot_be_drawn_keeps_no_other_from_its_page(
    board: Board, feed: LiveFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REST", 0.0)
    broken = Board(key="broken", is_broken=True)
    waiting = feed.subscribe(broken, seen="", wake=_nobody)
    reader = feed.subscribe(board, seen="", wake=_nobody)

    assert _taken(reader) == spell_part("<p>one</p>")
    broken.is_broken = False
    assert _taken(waiting) == spell_part("<p>one</p>")


def test_nobody_reading_ends_the_thread_and_the_end_is_told(board: Board, feed: LiveFeed) -> None:
    reader = feed.subscribe(board, seen="", wake=_nobody)
    _taken(reader)
    feed.unsubscribe(reader)
    until(lambda: feed._thread is None)  # noqa: SLF001
    woken = threading.Event()
    again = feed.subscribe(board, seen="", wake=woken.set)

    feed.end()

    assert woken.wait(5)
    assert again.is_over
    assert feed.subscribe(board, seen="", wake=_nobody).is_over
