"""The brokers' newest lists on both databases, met where both list the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.sessions import Segment
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode
from stored_lists import store

SIMULATED, LIVE = BrokerMode.SIMULATED, BrokerMode.LIVE


def share(symbol: str, **codes: int | str) -> Instrument:
    plain = Instrument(
        exchange="NSE",
        tradingsymbol=symbol,
        name=symbol.title(),
        kind=InstrumentKind.EQUITY,
        segment=Segment.CASH,
        lot_size=1,
        tick_size=Decimal("0.05"),
    )
    return replace(plain, **codes)  # type: ignore[arg-type]


CALL = Instrument(
    exchange="NFO",
    tradingsymbol="NIFTY26D0824000CE",
    name="NIFTY",
    kind=InstrumentKind.CALL,
    segment=Segment.FNO,
    lot_size=65,
    tick_size=Decimal("0.05"),
    expiry=date(2026, 12, 8),
    strike=Decimal(24000),
    underlying="NIFTY",
    kite_token=1234,
)


def load(
    database: Database,
    listed: Sequence[Instrument],
    clock: FakeClock,
    *,
    service: Service = Service.KITE,
    exchange: str = "NSE",
    mode: BrokerMode = SIMULATED,
) -> int:
    with database.transaction() as tx:
        return store(tx, service, exchange, listed, mode=mode, now=clock.now())


def test_an_instrument_comes_back_as_it_was_listed(database: Database, clock: FakeClock) -> None:
    load(database, [CALL], clock, exchange="NFO")

    with database.reading() as tx:
        found = tx.instruments.get_instrument(CALL.ref, mode=SIMULATED)

    assert found == CALL


def test_what_nobody_lists_is_not_found(database: Database, clock: FakeClock) -> None:
    load(database, [CALL], clock, exchange="NFO", mode=LIVE)

    with database.reading() as tx:
        unlisted = tx.instruments.get_instrument(InstrumentRef("NSE", "NOBODY"), mode=SIMULATED)
        of_other_mode = tx.instruments.get_instrument(CALL.ref, mode=SIMULATED)

    assert unlisted is None
    assert of_other_mode is None


def test_what_both_brokers_list_is_one_instrument_with_both_codes(
    database: Database, clock: FakeClock
) -> None:
    ours = share("RELIANCE", breeze_code="RELIND", name="Reliance Industries Ltd")
    load(database, [ours], clock, service=Service.BREEZE)
    load(database, [share("RELIANCE", kite_token=738561, name="RELIANCE INDUSTRIES")], clock)

    with database.reading() as tx:
        found = tx.instruments.list_instruments(mode=SIMULATED, limit=10)

    assert found == [
        share("RELIANCE", kite_token=738561, breeze_code="RELIND", name="RELIANCE INDUSTRIES")
    ]


def test_a_new_list_replaces_the_brokers_old_one_of_that_exchange_only(
    database: Database, clock: FakeClock
) -> None:
    load(database, [share("OLD"), share("BOTH")], clock)
    load(database, [share("ICICI")], clock, service=Service.BREEZE)
    load(database, [CALL], clock, exchange="NFO")

    count = load(database, [share("BOTH"), share("NEW")], clock)

    with database.reading() as tx:
        found = tx.instruments.list_instruments(mode=SIMULATED, limit=10)
    assert count == 2
    assert [str(one.ref) for one in found] == [
        "NFO:NIFTY26D0824000CE",
        "NSE:BOTH",
        "NSE:ICICI",
        "NSE:NEW",
    ]


def test_pages_meet_without_overlap(database: Database, clock: FakeClock) -> None:
    symbols = [f"S{number:02}" for number in range(7)]
    load(database, [share(symbol) for symbol in symbols], clock)
    load(database, [share(symbol) for symbol in symbols], clock, service=Service.BREEZE)
    load(database, [CALL], clock, exchange="NFO")

    pages: list[list[str]] = []
    after = None
    while True:
        with database.reading() as tx:
            page = tx.instruments.list_instruments(mode=SIMULATED, after=after, limit=3)
        if not page:
            break
        pages.append([one.tradingsymbol for one in page])
        after = page[-1].ref

    assert pages == [["NIFTY26D0824000CE", "S00", "S01"], ["S02", "S03", "S04"], ["S05", "S06"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"exchange": "NFO"}, ["NIFTY26D0824000CE"]),
        ({"kind": InstrumentKind.EQUITY}, ["100%PURE", "NIFTYBEES"]),
        ({"underlying": "NIFTY"}, ["NIFTY26D0824000CE"]),
        ({"text": "nifty"}, ["NIFTY26D0824000CE", "NIFTYBEES"]),
        ({"text": "0%P"}, ["100%PURE"]),
        ({"text": "%"}, ["100%PURE"]),
        ({"text": "_"}, []),
        ({"text": "nifty", "exchange": "NSE"}, ["NIFTYBEES"]),
    ],
)
def test_instruments_are_found_by_what_is_asked(
    database: Database, clock: FakeClock, asked: dict[str, str], expected: list[str]
) -> None:
    load(database, [share("NIFTYBEES"), share("100%PURE")], clock)
    load(database, [CALL], clock, exchange="NFO")

    with database.reading() as tx:
        found = tx.instruments.list_instruments(mode=SIMULATED, limit=10, **asked)  # type: ignore[arg-type]

    assert sorted(one.tradingsymbol for one in found) == sorted(expected)


def test_it_is_known_when_a_brokers_list_was_last_loaded(
    database: Database, clock: FakeClock
) -> None:
    load(database, [share("A")], clock)
    clock.advance(timedelta(hours=1))
    load(database, [CALL], clock, exchange="NFO")

    with database.reading() as tx:
        kite = tx.instrument_lists.get_loaded_at(Service.KITE, mode=SIMULATED)
        breeze = tx.instrument_lists.get_loaded_at(Service.BREEZE, mode=SIMULATED)

    assert kite == clock.now()
    assert breeze is None
