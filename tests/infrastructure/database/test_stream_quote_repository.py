"""Quotes of streams in the database: one of a source's minute, the first, whoever comes after."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from kept_quotes import kept_quote, save_quotes
from munshi.domain.market.instruments import InstrumentRef
from munshi.domain.market.kept_quotes import KeptQuote
from munshi.errors import StreamQuotesConflictError
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

TEN = datetime(2026, 11, 20, 4, 30, 1, 123_456, tzinfo=UTC)
INFY = InstrumentRef("NSE", "INFY")
MINUTE = timedelta(minutes=1)


def listed(database: Database, *, limit: int = 99) -> list[KeptQuote]:
    with database.reading() as tx:
        return tx.stream_quotes.list_quotes(
            INFY, mode=BrokerMode.SIMULATED, first=TEN, last=TEN + timedelta(hours=1), limit=limit
        )


def test_what_is_stored_comes_back_exactly_and_in_order(database: Database) -> None:
    later, first = kept_quote(TEN + MINUTE, bid=2**62), kept_quote(TEN)
    save_quotes(database, later, first, kept_quote(TEN, instrument="TCS"))

    assert listed(database) == [first, later]
    assert listed(database, limit=1) == [first]


def test_the_first_of_a_minute_stays(database: Database) -> None:
    first = kept_quote(TEN)
    stored = [
        save_quotes(database, first),
        save_quotes(database, kept_quote(TEN + timedelta(seconds=9), bid=5)),
        save_quotes(database, kept_quote(TEN - timedelta(seconds=1), bid=5)),
        save_quotes(database, kept_quote(TEN, bid=5), kept_quote(TEN + MINUTE)),
        save_quotes(database),
    ]

    assert stored == [1, 0, 0, 1, 0]
    assert listed(database)[0] == first


def test_two_of_one_minute_in_one_batch_are_one(database: Database) -> None:
    assert save_quotes(database, kept_quote(TEN), kept_quote(TEN)) == 1


def test_each_source_has_its_own_minutes(database: Database) -> None:
    save_quotes(database, kept_quote(TEN), kept_quote(TEN, source="breeze", bid=7))
    save_quotes(database, kept_quote(TEN, mode=BrokerMode.LIVE))

    assert [each.key.source for each in listed(database)] == ["breeze", "kite"]
    with database.reading() as tx:
        held = tx.stream_quotes.list_sources(
            INFY, mode=BrokerMode.SIMULATED, first=TEN, last=TEN + MINUTE
        )
    assert [(each.source, each.quotes, each.first) for each in held] == [
        ("breeze", 1, TEN),
        ("kite", 1, TEN),
    ]


def test_of_two_that_store_a_minute_at_once_the_second_is_told(
    postgresql_database: Database,
) -> None:
    told: list[StreamQuotesConflictError] = []

    def second() -> None:
        try:
            save_quotes(postgresql_database, kept_quote(TEN + MINUTE), kept_quote(TEN, bid=5))
        except StreamQuotesConflictError as error:
            told.append(error)

    thread = threading.Thread(target=second)
    with postgresql_database.operational() as tx:
        tx.stream_quotes.save_quotes([kept_quote(TEN)])
        thread.start()
        time.sleep(0.5)  # it has looked, and waits at the key for this one to end
    thread.join(20)

    assert len(told) == 1
    assert listed(postgresql_database) == [kept_quote(TEN)]


def test_instruments_are_found_with_their_ends_and_old_quotes_go(database: Database) -> None:
    for minute in range(5):
        save_quotes(database, kept_quote(TEN + minute * MINUTE))
    save_quotes(database, kept_quote(TEN, source="breeze"))
    save_quotes(database, kept_quote(TEN, exchange="NFO", instrument="NIFTY26NOV24000CE"))
    save_quotes(database, kept_quote(TEN, mode=BrokerMode.LIVE, instrument="TCS"))

    with database.operational() as tx:
        spans = tx.stream_quotes.list_spans()
        gone = tx.stream_quotes.prune(
            INFY, mode=BrokerMode.SIMULATED, before=TEN + timedelta(minutes=2, seconds=-5)
        )

    opened = TEN.replace(second=0, microsecond=0)
    assert [(each.mode.value, str(each.instrument), each.first, each.last) for each in spans] == [
        ("live", "NSE:TCS", opened, opened),
        ("simulated", "NFO:NIFTY26NOV24000CE", opened, opened),
        ("simulated", "NSE:INFY", opened, opened + 4 * MINUTE),
    ]
    assert gone == 3
    assert [each.at - TEN for each in listed(database)] == [2 * MINUTE, 3 * MINUTE, 4 * MINUTE]


@pytest.mark.parametrize("look", ["one", "next"])
def test_no_look_reads_more_than_its_part_of_the_key(sqlite_database: Database, look: str) -> None:
    # The largest table of a desk has no index but its key.
    statement = {
        "one": "SELECT min(minute) FROM StreamQuotes WHERE mode = 'live' AND exchange = 'NSE' "
        "AND instrument = 'INFY'",
        "next": "SELECT mode FROM StreamQuotes WHERE mode = 'live' AND exchange = 'NSE' "
        "AND instrument > 'INFY' ORDER BY mode, exchange, instrument LIMIT 1",
    }[look]
    with sqlite_database.connected() as connection:
        plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))]

    assert len(plan) == 1
    assert plan[0].startswith("SEARCH StreamQuotes USING PRIMARY KEY")
