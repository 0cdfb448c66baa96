"""The books of a stream become one quote a minute, whatever the line and the database do."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from munshi.domain.market.gaps import GapReason, StreamGap
from munshi.infrastructure.database.engine import Database
from streams.recorders import TEN, Fed, book, fed_recorder


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@pytest.fixture
def fed(database: Database) -> Iterator[Fed]:
    """Ten o'clock, by both clocks."""
    with fed_recorder(database) as opened:
        opened.begin()
        opened.pass_seconds(120)
        yield opened


def show(fed: Fed, second: float, bid: str, offer: str) -> None:
    """Let it be so many seconds after ten, and have the exchange send its book."""
    fed.pass_seconds((TEN + seconds(second) - fed.steady.now()).total_seconds())
    fed.take(book(fed.steady.now().replace(microsecond=0), bid, offer))


def test_the_first_book_of_each_minute_is_kept_and_no_other(fed: Fed) -> None:
    for second in range(0, 180, 20):
        show(fed, second, f"{100 + second}", "999.95")
        fed.recorder.flush()

    assert [(each.bid, each.at - TEN) for each in fed.kept()] == [
        (1_000_000, seconds(1)), (1_600_000, seconds(61)), (2_200_000, seconds(121)),
    ]  # fmt: skip
    assert (fed.kept()[0].bid_quantity, fed.kept()[0].offer, fed.kept()[0].offer_quantity) == (
        75, 9_999_500, 50,
    )  # fmt: skip
    assert fed.recorder.state().quotes == 3


def test_a_stream_that_begins_again_within_the_minute_changes_nothing(fed: Fed) -> None:
    show(fed, 2, "100", "101")
    fed.recorder.end()

    with fed_recorder(fed.database) as again:
        again.begin()
        again.pass_seconds(130)
        again.take(book(TEN + seconds(10), "55", "56"))
        again.pass_seconds(60)
        again.take(book(TEN + seconds(70), "57", "58"))
        again.recorder.end()

    assert [each.bid for each in fed.kept()] == [1_000_000, 570_000]
    assert again.recorder.state().quotes == 1


def test_two_streams_at_once_make_one_quote_of_a_minute(fed: Fed) -> None:
    with fed_recorder(fed.database) as other:
        other.begin()
        other.pass_seconds(120)
        for second in (1, 61, 121):
            show(fed, second, "100", "101")
            show(other, second, "200", "201")
            for each in (fed, other) if second != 61 else (other, fed):
                each.recorder.flush()
        states = fed.recorder.state(), other.recorder.state()

    assert [each.bid for each in fed.kept()] == [1_000_000, 2_000_000, 1_000_000]
    assert [state.quotes for state in states] == [2, 1]


def test_during_a_gap_there_is_no_quote_and_after_it_the_next_one_says_when_it_came(
    fed: Fed,
) -> None:
    show(fed, 2, "100", "101")
    began = fed.steady.now()
    fed.recorder.gap_began(StreamGap(began=began, ended=None, reasons=(GapReason.DROPPED,)))
    fed.pass_seconds(150)
    fed.recorder.flush()
    fed.recorder.gap_ended(
        StreamGap(began=began, ended=fed.steady.now(), reasons=(GapReason.DROPPED,))
    )
    fed.take(book(TEN + seconds(110), "77", "78"))  # what stood when the line broke
    fed.recorder.flush()
    show(fed, 155, "103", "104")
    fed.recorder.flush()

    assert [(each.bid, each.at - TEN) for each in fed.kept()] == [
        (1_000_000, seconds(3)), (1_030_000, seconds(156)),
    ]  # fmt: skip


def test_crossed_and_late_books_are_told_and_not_kept(fed: Fed) -> None:
    show(fed, 2, "102", "101")
    fed.take(book(TEN - seconds(1), "99", "100"))
    fed.take(book(TEN + seconds(2), "0", "100"), book(TEN + seconds(2), "99", "100", quantity=0))
    with capture_logs() as told:
        fed.recorder.end()

    [line] = [each for each in told if each["event"] == "stream_kept_not_all"]
    assert (line["quotes_crossed"], line["quotes_untimely"], line["quotes_lost"]) == (1, 1, 0)
    assert fed.kept() == []
    assert fed.recorder.state().quotes == 0


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_set_meanwhile_changes_no_stamp(fed: Fed, step: timedelta) -> None:
    show(fed, 2, "100", "101")
    fed.clock.set(fed.clock.now() + step)
    show(fed, 62, "101", "102")

    fed.recorder.flush()

    assert [each.at - TEN for each in fed.kept()] == [seconds(3), seconds(63)]


def test_a_machine_that_slept_keeps_quotes_again_when_it_knows_the_time(fed: Fed) -> None:
    show(fed, 2, "100", "101")
    # Its steady time stood still for an hour; five messages in a row say so.
    for second in range(6):
        fed.take(book(TEN + timedelta(hours=1) + seconds(second), "105", "106"))

    fed.recorder.flush()

    assert [each.at - TEN for each in fed.kept()][:1] == [seconds(3)]
    assert all(seconds(3600) < each.at - TEN <= seconds(3606) for each in fed.kept()[1:])
    assert len(fed.kept()) == 2


def test_a_database_that_is_away_makes_quotes_wait(sqlite_database: Database) -> None:
    file = Path(str(sqlite_database.url.database))
    kept = file.with_name("kept.db")
    with fed_recorder(sqlite_database) as fed:
        fed.begin()
        fed.pass_seconds(120)
        sqlite_database.close()
        file.rename(kept)
        file.mkdir()
        for second in (2, 62, 122):
            show(fed, second, "100", "101")
            fed.recorder.flush()
        waiting = len(fed.store.quotes), fed.recorder.state().quotes
        file.rmdir()
        kept.rename(file)
        fed.recorder.flush()

        assert waiting == (3, 3)
        assert [each.at - TEN for each in fed.kept()] == [seconds(3), seconds(63), seconds(123)]
