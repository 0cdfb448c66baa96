"""Loading both brokers' lists, on both databases: what changed is written, what is unfit is not."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Row, event, select
from sqlalchemy.exc import IntegrityError

from caches import open_cache
from clocks import FakeClock
from munshi.clock import IST
from munshi.config.service import ConfigService
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.listing_history import compare
from munshi.domain.market.listings import Unmapped
from munshi.domain.market.sessions import Segment
from munshi.errors import InstrumentAmbiguousError, InstrumentUnknownError, MasterRefusedError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import audit_logs, instruments
from munshi.market.instrument_history import InstrumentHistory
from munshi.market.master_load import MasterLoad
from munshi.settings import BrokerMode

MODE = BrokerMode.SIMULATED
TESTER = Actor(user_id="tester")
MONDAY = date(2026, 11, 23)
EXPIRY, NEXT = date(2026, 11, 24), date(2026, 12, 1)
KITE, BREEZE = Service.KITE, Service.BREEZE


def share(number: int, **changes: object) -> Instrument:
    plain = Instrument(
        exchange="NSE",
        tradingsymbol=f"S{number:02}",
        name=f"Company {number}",
        kind=InstrumentKind.EQUITY,
        segment=Segment.CASH,
        lot_size=1,
        tick_size=Decimal("0.05"),
        kite_token=number * 256 + 1,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def call(strike: int, expiry: date = EXPIRY, **changes: object) -> Instrument:
    plain = Instrument(
        exchange="NFO",
        tradingsymbol=f"NIFTY{expiry:%y%m%d}{strike}CE",
        name="NIFTY",
        kind=InstrumentKind.CALL,
        segment=Segment.FNO,
        lot_size=75,
        tick_size=Decimal("0.05"),
        expiry=expiry,
        strike=Decimal(strike),
        underlying="NIFTY",
        kite_token=strike * 256 + 2,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def of_breeze(one: Instrument, **changes: object) -> Instrument:
    """The same as ICICI lists it."""
    token = str((one.kite_token or 0) >> 8)
    code = "NIFTY" if one.underlying else f"C{one.tradingsymbol}"
    found = replace(one, kite_token=None, breeze_code=code, breeze_token=token)
    return replace(found, **changes)  # type: ignore[arg-type]


SHARES = [share(number) for number in range(1, 31)]
CALLS = [call(24000 + 50 * number) for number in range(30)]


class Desk:
    """A load, a history, and the clock that says which day it is."""

    def __init__(self, load: MasterLoad, database: Database, clock: FakeClock) -> None:
        self._load = load
        self.database = database
        self.clock = clock
        self.history = InstrumentHistory(database, mode=MODE)

    def store(
        self,
        day: date,
        cash: Sequence[Instrument] = SHARES,
        contracts: Sequence[Instrument] = CALLS,
        *,
        service: Service = KITE,
        accept_losses: bool = False,
    ) -> dict[str, dict[str, int]]:
        self.clock.set(datetime(day.year, day.month, day.day, 9, tzinfo=IST))
        listings = {"NSE": cash, "NFO": contracts, "BSE": [], "BFO": []}
        return self._load.store(service, listings, actor=TESTER, accept_losses=accept_losses)

    def audited(self) -> int:
        with self.database.connected() as connection:
            return len(connection.execute(select(audit_logs.c.id)).all())

    def rows(self) -> list[Row[Any]]:
        with self.database.connected() as connection:
            return sorted(connection.execute(select(instruments)), key=lambda row: str(row[0]))


@pytest.fixture
def desk(database: Database, clock: FakeClock) -> Iterator[Desk]:
    with open_cache(database, clock) as cache:
        load = MasterLoad(
            database,
            clock,
            mode=MODE,
            config=ConfigService(database, clock),
            download=lambda _: {},
            cache=cache,
        )
        yield Desk(load, database, clock)


def test_the_same_lists_again_change_no_row(desk: Desk) -> None:
    desk.store(MONDAY)
    before = desk.rows()

    again = desk.store(MONDAY)
    later = desk.store(MONDAY + timedelta(days=1))

    assert desk.rows() == before
    for counts in (again, later):
        assert [(found["begun"], found["ended"]) for found in counts.values()] == [(0, 0)] * 2


def test_only_what_changed_is_written(desk: Desk) -> None:
    desk.store(MONDAY)
    changed = [share(1, name="Another name"), *SHARES[1:]]
    written: list[int] = []

    def note(_: object, __: object, statement: str, rows: object, *___: object) -> None:
        if '"Instruments"' in statement and not statement.lstrip().startswith("SELECT"):
            written.append(len(rows) if isinstance(rows, list) else 1)

    event.listen(desk.database.engine, "before_cursor_execute", note)
    desk.store(MONDAY + timedelta(days=1), changed)
    event.remove(desk.database.engine, "before_cursor_execute", note)

    assert len(written) == 2
    ref = InstrumentRef("NSE", "S01")
    assert desk.history.of_symbol(ref, day=MONDAY).name == "Company 1"
    assert desk.history.of_symbol(ref, day=MONDAY + timedelta(days=1)).name == "Another name"


def test_a_token_used_again_after_expiry_is_known_by_its_day(desk: Desk) -> None:
    after = EXPIRY + timedelta(days=1)
    desk.store(MONDAY)
    reused = [call(24000 + 50 * number, NEXT) for number in range(30)]
    desk.store(after, contracts=reused)
    token = str(CALLS[0].kite_token)

    of_monday = desk.history.of_token(KITE, token, day=MONDAY)
    of_after = desk.history.of_token(KITE, token, day=after)

    assert (of_monday.instrument.expiry, of_after.instrument.expiry) == (EXPIRY, NEXT)
    assert of_monday.last_day == EXPIRY
    assert len(desk.history.history_of_token(KITE, token)) == 2
    with pytest.raises(InstrumentUnknownError, match="on 2026-12-02"):
        desk.history.of_token(KITE, token, day=NEXT + timedelta(days=1))


def test_the_contracts_of_a_day_are_those_that_were_listed_then(desk: Desk) -> None:
    nexts = [call(24000 + 50 * number, NEXT) for number in range(30)]
    desk.store(MONDAY)
    desk.store(EXPIRY + timedelta(days=1), contracts=nexts)

    of_monday = desk.history.contracts_on(MONDAY, "nifty")
    near = desk.history.contracts_on(
        EXPIRY, "NIFTY", kinds=[InstrumentKind.CALL], keep_strike=lambda each: each < 24100
    )

    assert list(of_monday) == CALLS
    assert [one.strike for one in near] == [Decimal(24000), Decimal(24050)]
    assert {one.expiry for one in desk.history.contracts_on(NEXT, "NIFTY")} == {NEXT}
    assert desk.history.contracts_on(MONDAY - timedelta(days=1), "NIFTY") == ()
    assert desk.history.contracts_on(NEXT + timedelta(days=1), "NIFTY") == ()
    assert desk.history.known_since(KITE) == MONDAY


def test_an_expired_contract_is_found_by_its_terms_with_both_brokers_codes(desk: Desk) -> None:
    desk.store(MONDAY)
    # ICICI's list has no symbols of contracts: those made from the terms may be others.
    desk.store(
        MONDAY,
        [of_breeze(one) for one in SHARES],
        [of_breeze(one, tradingsymbol=f"MADE{one.strike}") for one in CALLS],
        service=BREEZE,
    )
    desk.store(NEXT, contracts=[call(24000, NEXT)])

    found = desk.history.of_terms(
        "NIFTY", expiry=EXPIRY, kind=InstrumentKind.CALL, strike=Decimal("24000.00")
    )

    assert found.tradingsymbol == CALLS[0].tradingsymbol
    assert (found.kite_token, found.breeze_code) == (CALLS[0].kite_token, "NIFTY")


def test_what_the_other_broker_does_not_list_is_told_with_the_reason(desk: Desk) -> None:
    index = share(77, tradingsymbol="NIFTY SOMETHING", kind=InstrumentKind.INDEX)
    desk.store(MONDAY, [*SHARES, index])
    alone = {one.unmapped for one in desk.history.unmapped(limit=500).listings}
    others = [of_breeze(one) for one in SHARES]
    others[1] = replace(others[1], breeze_code=None)  # several claimed the symbol
    # By its symbol it is S03, by the exchange's token S04.
    others[2] = replace(others[2], breeze_token="4")
    del others[3]
    desk.store(MONDAY, others, [of_breeze(one) for one in CALLS[:-1]], service=BREEZE)

    found = {
        (one.service, one.instrument.tradingsymbol): one.unmapped
        for one in desk.history.unmapped(limit=500).listings
    }

    assert alone == {Unmapped.LIST_MISSING}
    assert found == {
        (KITE, "S02"): Unmapped.AMBIGUOUS,
        (BREEZE, "S02"): Unmapped.AMBIGUOUS,
        (KITE, "S03"): Unmapped.CONFLICTING,
        (BREEZE, "S03"): Unmapped.CONFLICTING,
        (KITE, "S04"): Unmapped.NOT_LISTED,
        (KITE, CALLS[-1].tradingsymbol): Unmapped.NOT_LISTED,
        (KITE, "NIFTY SOMETHING"): Unmapped.CODE_UNKNOWN,
    }
    with desk.database.reading() as tx:
        doubtful = tx.instruments.get_instrument(InstrumentRef("NSE", "S03"), mode=MODE)
    assert doubtful is not None
    assert (doubtful.kite_token, doubtful.breeze_code) == (SHARES[2].kite_token, None)


def test_pages_of_the_unmapped_meet_without_overlap(desk: Desk) -> None:
    desk.store(MONDAY)

    found: list[str] = []
    cursor = None
    while True:
        page = desk.history.unmapped(cursor=cursor, limit=7)
        found += [str(one.instrument.ref) for one in page.listings]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == sorted(str(one.ref) for one in (*SHARES, *CALLS))


def test_icicis_tokens_are_unique_within_an_exchange_only(desk: Desk) -> None:
    shares = [of_breeze(one) for one in SHARES]
    calls = [of_breeze(CALLS[0], breeze_token="1"), *(of_breeze(one) for one in CALLS[1:])]
    desk.store(MONDAY, shares, calls, service=BREEZE)

    with pytest.raises(InstrumentAmbiguousError, match="Name the exchange too"):
        desk.history.of_token(BREEZE, "1", day=MONDAY)
    assert desk.history.of_token(BREEZE, "1", day=MONDAY, exchange="NSE").instrument == shares[0]


MOVED = [replace(one, expiry=EXPIRY + timedelta(days=1)) for one in CALLS]
UNFIT = {
    "empty": ([], CALLS, "list of NSE is empty"),
    "without contracts": (SHARES, [], r"NFO lacks 30 of the 30 .* more than 30 percent"),
    "cut off": (SHARES[:15], CALLS, r"NSE lacks 15 of the 30"),
    "twice": ([*SHARES, SHARES[0]], CALLS, "NSE:S01 twice"),
    "a token twice": ([*SHARES, share(99, kite_token=257)], CALLS, "the token 257 of NSE twice"),
    "a huge lot": ([*SHARES, share(99, lot_size=10**30)], CALLS, "cannot be right for NSE:'S99'"),
    "no number": ([*SHARES, share(99, tick_size=Decimal("NaN"))], CALLS, "cannot be right"),
    "a long name": ([*SHARES, share(99, name="x" * 201)], CALLS, "cannot be right"),
    "a nought byte": ([*SHARES, share(99, tradingsymbol="A\0B")], CALLS, "cannot be right"),
    "another zone": (SHARES, MOVED, "another expiry than before for 30 of 30"),
    "of an earlier day": (SHARES, [call(1, date(2026, 11, 17))], "contracts expired before"),
}


@pytest.mark.parametrize(("cash", "contracts", "told"), UNFIT.values(), ids=UNFIT)
def test_lists_that_are_not_fit_are_refused_and_the_ones_before_stay(
    desk: Desk, cash: list[Instrument], contracts: list[Instrument], told: str
) -> None:
    desk.store(MONDAY)
    before = desk.rows()

    with pytest.raises(MasterRefusedError, match=told):
        desk.store(EXPIRY, cash, contracts)

    assert desk.rows() == before


def test_losses_that_are_right_can_be_accepted(desk: Desk) -> None:
    desk.store(MONDAY)

    counts = desk.store(EXPIRY, SHARES[:10], accept_losses=True)

    assert counts["NSE"]["ended"] == 20


def test_contracts_that_expired_are_no_losses(desk: Desk) -> None:
    desk.store(MONDAY)

    counts = desk.store(EXPIRY + timedelta(days=1), contracts=[call(24000, NEXT)])

    assert (counts["NFO"]["begun"], counts["NFO"]["ended"]) == (1, 30)


def test_a_second_list_of_the_day_is_judged_by_the_first(desk: Desk) -> None:
    desk.store(MONDAY)

    with pytest.raises(MasterRefusedError, match="lacks 20 of the 30"):
        desk.store(MONDAY, SHARES[:10])


def test_both_brokers_lists_can_be_stored_at_the_same_time(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 11, 23, 9, tzinfo=IST))

    def store(service: Service) -> object:
        if service is KITE:
            return desk.store(MONDAY)
        listed = [of_breeze(one) for one in SHARES], [of_breeze(one) for one in CALLS]
        return desk.store(MONDAY, *listed, service=BREEZE)

    for _ in range(3):
        with ThreadPoolExecutor() as pool:
            list(pool.map(store, (KITE, BREEZE, KITE, BREEZE)))

    assert desk.history.unmapped(limit=500).listings == ()
    assert len(desk.rows()) == 2 * (len(SHARES) + len(CALLS))


def test_a_load_that_fails_while_it_writes_leaves_the_lists_before(desk: Desk) -> None:
    desk.store(MONDAY)
    before, audited = desk.rows(), desk.audited()
    changed = [share(1, name="Another name"), *SHARES[1:], share(50)]

    for statement in ("INSERT", "UPDATE"):

        def die(*said: object, word: str = statement) -> None:
            if re.match(rf'{word} (OR FAIL )?(INTO )?"Instruments"', str(said[2])):
                raise RuntimeError("the disk is full")

        event.listen(desk.database.engine, "after_cursor_execute", die)
        with pytest.raises(RuntimeError, match="disk is full"):
            desk.store(EXPIRY, changed)
        event.remove(desk.database.engine, "after_cursor_execute", die)

        assert (desk.rows(), desk.audited()) == (before, audited)

    desk.store(EXPIRY, changed)
    assert len(desk.rows()) == len(before) + 2


def test_a_row_that_the_database_refuses_takes_its_whole_load_with_it(desk: Desk) -> None:
    desk.store(MONDAY)
    before = desk.rows()
    found = compare([], [share(60), share(61)], service=KITE, day=EXPIRY, before=MONDAY)
    found.begun.append(replace(found.begun[0], listing_id=uuid4()))

    with pytest.raises(IntegrityError), desk.database.transaction() as tx:
        tx.listings.save(found, mode=MODE, now=desk.clock.now())

    assert desk.rows() == before


def test_a_clock_that_went_back_loads_nothing(desk: Desk) -> None:
    desk.store(EXPIRY)

    with pytest.raises(MasterRefusedError, match="lists of 2026-11-24 were loaded already"):
        desk.store(MONDAY)
