"""Ticks become last quotes and provisional bars; no fault makes a minute look whole that is not."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from munshi.domain.enums import Service
from munshi.domain.market.gaps import GapReason, StreamGap
from munshi.infrastructure.database.engine import Database
from streams.recorders import TEN, Fed, fed_recorder, trade


@pytest.fixture
def fed(database: Database) -> Iterator[Fed]:
    with fed_recorder(database) as opened:
        opened.begin()
        opened.pass_seconds(60)
        opened.take(trade(TEN - timedelta(seconds=60), "99", 1000))
        opened.pass_seconds(61)
        opened.take(trade(TEN + timedelta(seconds=1), "100.05", 1010))
        yield opened


def test_a_minute_after_which_nothing_comes_is_closed_by_the_time_alone(fed: Fed) -> None:
    fed.pass_seconds(20)
    fed.take(trade(TEN + timedelta(seconds=21), "101.10", 1030))
    fed.pass_seconds(43)
    fed.recorder.flush()
    before = [bar.candle.opens for bar in fed.bars()]
    fed.pass_seconds(2)

    fed.recorder.flush()

    assert before == [TEN - timedelta(minutes=1)]
    bar = fed.bars()[-1]
    assert (bar.candle.opens, bar.is_whole) == (TEN, True)
    assert (bar.candle.open, bar.candle.close, bar.candle.volume) == (1000500, 1011000, 30)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_set_meanwhile_changes_no_bar(fed: Fed, step: timedelta) -> None:
    fed.clock.set(fed.clock.now() + step)
    fed.recorder.flush()
    fed.pass_seconds(20)
    fed.take(trade(TEN + timedelta(seconds=21), "98", 1030))
    fed.pass_seconds(60)

    fed.recorder.flush()

    bar = fed.bars()[-1]
    assert (bar.candle.opens, bar.candle.low, bar.is_whole) == (TEN, 980000, True)


def test_ticks_twice_and_in_disorder_make_the_same_bar(fed: Fed) -> None:
    late, twice = (
        trade(TEN + timedelta(seconds=5), "104", 1020),
        trade(TEN + timedelta(seconds=30), "103", 1040),
    )
    fed.pass_seconds(30)
    fed.take(late, twice, twice, twice)
    fed.pass_seconds(40)
    fed.take(trade(TEN + timedelta(seconds=70), "105", 1050))
    fed.take(trade(TEN + timedelta(seconds=31), "200", 1045))  # of a minute that is closed

    fed.recorder.flush()

    bar = fed.bars()[-1]
    assert (bar.candle.high, bar.candle.close, bar.candle.volume) == (1040000, 1030000, 40)


def test_a_minute_with_a_gap_in_it_is_stored_as_not_whole(fed: Fed) -> None:
    began = fed.steady.now()
    fed.recorder.gap_began(StreamGap(began=began, ended=None, reasons=(GapReason.DROPPED,)))
    fed.pass_seconds(10)
    fed.recorder.gap_ended(
        StreamGap(began=began, ended=fed.steady.now(), reasons=(GapReason.DROPPED,))
    )
    fed.take(trade(TEN + timedelta(seconds=11), "101", 1030))
    fed.pass_seconds(60)

    fed.recorder.flush()

    assert [(bar.candle.opens, bar.is_whole) for bar in fed.bars()][-1] == (TEN, False)
    assert fed.heard == ["gap_began", "gap_ended"] * 2


def test_a_machine_that_slept_leaves_a_minute_that_is_not_whole(fed: Fed) -> None:
    # Its steady time stood still: the line was cut meanwhile, and the exchange went on for an hour.
    began = fed.steady.now()
    fed.recorder.gap_began(StreamGap(began=began, ended=None, reasons=(GapReason.DROPPED,)))
    fed.recorder.gap_ended(StreamGap(began=began, ended=began, reasons=(GapReason.DROPPED,)))
    for second in range(6):
        fed.take(trade(TEN + timedelta(hours=1, seconds=second), "101", 2000 + second))

    fed.recorder.flush()

    assert [(bar.candle.opens, bar.is_whole) for bar in fed.bars()][-1] == (TEN, False)


def test_one_time_that_cannot_be_right_closes_no_bar(fed: Fed) -> None:
    fed.take(trade(TEN + timedelta(days=30_000), "7", 5))
    fed.pass_seconds(20)
    fed.take(trade(TEN + timedelta(seconds=21), "101", 1030))
    fed.pass_seconds(60)

    fed.recorder.flush()

    assert [bar.candle.volume for bar in fed.bars()][-1] == 30
    assert len(fed.bars()) == 2


def test_what_is_forming_at_the_end_is_stored_as_not_whole(fed: Fed) -> None:
    fed.recorder.end()

    assert [(bar.candle.opens, bar.is_whole) for bar in fed.bars()][-1] == (TEN, False)
    state = fed.quotes.stream(Service.KITE)
    assert state is not None
    assert (state.is_over, state.line) == (True, 0)


def test_a_whole_bar_is_not_replaced_by_one_that_is_not(fed: Fed) -> None:
    fed.pass_seconds(65)
    fed.recorder.flush()
    whole = fed.bars()

    with fed_recorder(fed.database) as other:
        other.begin()
        other.pass_seconds(130)
        other.take(trade(TEN + timedelta(seconds=10), "55", 5))
        other.recorder.end()

    assert fed.bars() == whole
    assert whole[-1].is_whole


def test_last_quotes_are_current_while_the_stream_is_heard(fed: Fed) -> None:
    fed.recorder.flush()
    quote = fed.quotes.get(Service.KITE, "NSE:INFY")
    assert quote is not None
    assert quote.last_price == Decimal("100.05")
    assert fed.quotes.is_current(quote, now=fed.clock.now())

    fed.pass_seconds(11)

    assert not fed.quotes.is_current(quote, now=fed.clock.now())


def test_a_gap_ends_that_a_quote_is_current_until_the_price_comes_again(fed: Fed) -> None:
    began = fed.steady.now()
    fed.recorder.gap_began(StreamGap(began=began, ended=None, reasons=(GapReason.DROPPED,)))
    fed.recorder.flush()
    quote = fed.quotes.get(Service.KITE, "NSE:INFY")
    assert quote is not None
    in_gap = fed.quotes.is_current(quote, now=fed.clock.now())
    fed.recorder.gap_ended(StreamGap(began=began, ended=began, reasons=(GapReason.DROPPED,)))
    fed.recorder.alive()
    fed.recorder.flush()
    after_gap = fed.quotes.is_current(quote, now=fed.clock.now())
    fed.take(trade(TEN + timedelta(seconds=2), "100.10", 1011))
    fed.recorder.flush()

    newer = fed.quotes.get(Service.KITE, "NSE:INFY")

    assert newer is not None
    assert (in_gap, after_gap) == (False, False)
    assert fed.quotes.is_current(newer, now=fed.clock.now())


def test_a_database_that_is_away_ends_no_stream_and_loses_no_bar(
    sqlite_database: Database,
) -> None:
    file = Path(str(sqlite_database.url.database))
    kept = file.with_name("kept.db")
    with fed_recorder(sqlite_database) as fed:
        fed.begin()
        fed.pass_seconds(121)
        fed.take(trade(TEN + timedelta(seconds=1), "100", 1000))
        fed.pass_seconds(1)
        fed.take(trade(TEN + timedelta(seconds=2), "101", 1010))
        sqlite_database.close()
        file.rename(kept)
        file.mkdir()
        fed.pass_seconds(70)
        fed.recorder.flush()
        waiting = len(fed.store.bars)
        file.rmdir()
        kept.rename(file)
        fed.pass_seconds(1)
        fed.recorder.flush()

        assert (waiting, len(fed.store.bars)) == (1, 0)
        assert [bar.candle.close for bar in fed.bars()] == [1010000]
