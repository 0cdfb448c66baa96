"""Quotes of streams as a backtest reads them: of one source, in order, never another's."""

from datetime import datetime, timedelta

import pytest

from clocks import FakeClock
from kept_quotes import kept_quote, save_quotes
from made_candles import ist
from munshi.domain.market.instruments import InstrumentRef
from munshi.errors import InstrumentUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.market.stored_quotes import KeptQuoteService, StoredQuotes
from munshi.settings import BrokerMode

OPEN = ist("2026-11-20 09:15") + timedelta(seconds=1, microseconds=7)
MINUTE = timedelta(minutes=1)


def stored(
    database: Database, *, source: str | None = None, last: datetime = OPEN + timedelta(hours=1)
) -> StoredQuotes:
    return StoredQuotes(database, mode=BrokerMode.SIMULATED, first=OPEN, last=last, source=source)


def test_a_track_has_columns_in_paise_rounded_against_who_trades(database: Database) -> None:
    save_quotes(database, kept_quote(OPEN + MINUTE, bid=1_000_000), kept_quote(OPEN, bid=999_549))

    track = stored(database).track("nse:infy")

    assert [track.at(place) for place in (0, 1)] == [OPEN, OPEN + MINUTE]
    assert list(track.bids) == [9995, 10_000]
    assert list(track.offers) == [10_006, 10_010]
    assert (list(track.bid_quantities), list(track.offer_quantities)) == ([75, 75], [50, 50])
    assert [track.place(at) for at in (OPEN, OPEN + timedelta(microseconds=1))] == [0, 1]


def test_both_ends_of_the_range_belong_to_it_and_no_more(database: Database) -> None:
    around = [OPEN - timedelta(microseconds=1) - MINUTE, OPEN, OPEN + 9 * MINUTE]
    save_quotes(database, *map(kept_quote, around), kept_quote(OPEN + 10 * MINUTE))

    track = stored(database, last=OPEN + 9 * MINUTE).track("NSE:INFY")
    later = StoredQuotes(
        database,
        mode=BrokerMode.SIMULATED,
        first=OPEN + timedelta(microseconds=1),
        last=OPEN + MINUTE,
    ).track("NSE:INFY")

    assert [track.at(place) for place in range(len(track.stamps))] == [OPEN, OPEN + 9 * MINUTE]
    assert list(later.stamps) == []


def test_one_source_answers_the_one_whose_candles_come_first(database: Database) -> None:
    save_quotes(database, kept_quote(OPEN, source="breeze", bid=100))
    save_quotes(database, kept_quote(OPEN + MINUTE, source="breeze", bid=100))
    only = stored(database).track("NSE:INFY")
    save_quotes(database, kept_quote(OPEN, source="kite", bid=200))
    save_quotes(database, kept_quote(OPEN, source="aaa", bid=300))

    assert list(only.bids) == [1, 1]
    assert list(stored(database).track("NSE:INFY").bids) == [2]
    assert list(stored(database, source="breeze").track("NSE:INFY").bids) == [1, 1]
    assert list(stored(database, source="import").track("NSE:INFY").bids) == []


def test_live_and_simulated_quotes_are_never_mixed(database: Database) -> None:
    save_quotes(database, kept_quote(OPEN, mode=BrokerMode.LIVE))

    assert list(stored(database).track("NSE:INFY").stamps) == []
    service = KeptQuoteService(database, FakeClock(OPEN), mode=BrokerMode.SIMULATED)
    assert (service.list(InstrumentRef("NSE", "INFY")), service.spans()) == ([], [])


def test_what_names_no_instrument_is_refused(database: Database) -> None:
    with pytest.raises(InstrumentUnknownError):
        stored(database).track("INFY")


def test_old_quotes_are_forgotten_in_parts_those_of_both_modes(database: Database) -> None:
    clock = FakeClock(OPEN)
    service = KeptQuoteService(database, clock, mode=BrokerMode.SIMULATED)
    for days in (0, 9, 11, 41, 75, 200):
        save_quotes(database, kept_quote(OPEN - timedelta(days=days)))
    save_quotes(database, kept_quote(OPEN - timedelta(days=11), mode=BrokerMode.LIVE))
    save_quotes(database, kept_quote(OPEN, instrument="TCS"))

    forgotten = [service.cleanup(10), service.cleanup(10)]

    assert forgotten == [5, 0]
    assert [str(each.instrument) for each in service.spans()] == ["NSE:INFY", "NSE:TCS"]
    assert service.spans()[0].first == (OPEN - timedelta(days=9)).replace(second=0, microsecond=0)
