"""The history of listings: whatever lists come, it says what each of them said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument, InstrumentKind, InstrumentRef
from munshi.domain.market.listing_history import compare
from munshi.domain.market.listings import Listing
from munshi.domain.market.sessions import Segment

FIRST = date(2026, 11, 2)
Lists = Sequence[tuple[date, Sequence[Instrument]]]


def share(symbol: str, token: int, *, name: str = "", lot: int = 1) -> Instrument:
    return Instrument(
        exchange="NSE",
        tradingsymbol=symbol,
        name=name or symbol,
        kind=InstrumentKind.EQUITY,
        segment=Segment.CASH,
        lot_size=lot,
        tick_size=Decimal("0.05"),
        kite_token=token,
    )


def call(expiry: date, token: int, *, lot: int = 65, strike: int = 24000) -> Instrument:
    return Instrument(
        exchange="NFO",
        tradingsymbol=f"NIFTY{expiry:%y%m%d}{strike}CE",
        name="NIFTY",
        kind=InstrumentKind.CALL,
        segment=Segment.FNO,
        lot_size=lot,
        tick_size=Decimal("0.05"),
        expiry=expiry,
        strike=Decimal(strike),
        underlying="NIFTY",
        kite_token=token,
    )


class Book:
    """The table, in a dict."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Listing] = {}
        self.days: list[date] = []

    def load(self, day: date, listed: Sequence[Instrument]) -> int:
        """How many rows were written."""
        before = max((loaded for loaded in self.days if loaded < day), default=None)
        found = compare(
            list(self.rows.values()), listed, service=Service.KITE, day=day, before=before
        )
        for key in found.never:
            del self.rows[key]
        for one in (*found.ended, *found.resumed, *found.begun):
            self.rows[one.listing_id] = one
        self.days.append(day)
        assert {one.instrument.ref for one in found.current} == {one.ref for one in listed}
        return len(found.never) + len(found.ended) + len(found.resumed) + len(found.begun)

    def on(self, day: date) -> dict[InstrumentRef, Instrument]:
        held = [one for one in self.rows.values() if one.holds_on(day)]
        found = {one.instrument.ref: one.instrument for one in held}
        assert len(found) == len(held), "a symbol has two listings on one day"
        return found

    def of_token(self, token: int, day: date) -> list[Listing]:
        return [
            one
            for one in self.rows.values()
            if one.holds_on(day) and one.instrument.kite_token == token
        ]


@some.composite
def lists(draw: some.DrawFn) -> Lists:
    """Lists of some days, in order; days come again, tokens too, and contracts expire."""
    count = draw(some.integers(1, 7))
    steps = draw(some.lists(some.integers(0, 4), min_size=count, max_size=count))
    found: list[tuple[date, Sequence[Instrument]]] = []
    day = FIRST
    for step in steps:
        day += timedelta(days=step)
        tokens = draw(some.permutations(range(1, 7)))
        chosen = draw(some.sets(some.integers(0, 5), max_size=6))
        listed = []
        for place in sorted(chosen):
            lot = draw(some.sampled_from([1, 1, 2]))
            if place < 3:
                listed.append(share("ABC"[place], tokens[place], lot=lot))
            else:
                expiry = FIRST + timedelta(days=6 * (place - 2))
                if expiry >= day:
                    listed.append(call(expiry, tokens[place], lot=lot))
        found.append((day, listed))
    return found


def loaded(lists: Lists) -> Book:
    book = Book()
    for day, listed in lists:
        book.load(day, listed)
    return book


def last_of(lists: Lists, day: date) -> Mapping[InstrumentRef, Instrument]:
    """What the last list up to `day` named that had not expired by then."""
    listed = [found for loaded, found in lists if loaded <= day]
    newest: Iterable[Instrument] = listed[-1] if listed else []
    return {one.ref: one for one in newest if one.expiry is None or one.expiry >= day}


@given(lists())
def test_of_every_day_it_says_what_the_last_list_said(lists: Lists) -> None:
    book = loaded(lists)

    for offset in range(-1, 35):
        day = FIRST + timedelta(days=offset)
        assert book.on(day) == last_of(lists, day)


@given(lists())
def test_a_token_is_of_one_instrument_a_day(lists: Lists) -> None:
    book = loaded(lists)

    for offset in range(30):
        day = FIRST + timedelta(days=offset)
        tokens = [one.kite_token for one in book.on(day).values()]
        assert len(tokens) == len(set(tokens))


@given(lists())
def test_the_same_list_again_writes_nothing(lists: Lists) -> None:
    book = loaded(lists)
    before = dict(book.rows)

    assert book.load(*lists[-1]) == 0
    assert book.rows == before


@given(lists(), lists())
def test_a_second_list_of_a_day_leaves_nothing_of_the_first(first: Lists, other: Lists) -> None:
    day = first[-1][0]
    wrong = [one for one in other[0][1] if one.expiry is None or one.expiry >= day]
    straight, corrected = loaded(first), loaded(first[:-1])
    corrected.load(day, wrong)
    corrected.load(*first[-1])

    def told(book: Book) -> list[str]:
        return sorted(
            f"{one.instrument} {one.first_day} {one.last_day} {one.last_seen} {one.change}"
            for one in book.rows.values()
        )

    assert told(corrected) == told(straight)


@given(lists())
def test_what_has_ended_is_never_touched_by_later_days(lists: Lists) -> None:
    book = Book()
    for day, listed in lists:
        # Only a second list of a day takes back what the first one ended.
        of_day = max((loaded for loaded in book.days if loaded < day), default=None)
        ended = {
            key: one
            for key, one in book.rows.items()
            if not one.is_current and not (day in book.days and one.last_seen == of_day)
        }
        book.load(day, listed)
        assert {key: book.rows.get(key) for key in ended} == ended


@given(lists())
def test_the_listings_of_a_lineage_never_overlap(lists: Lists) -> None:
    book = loaded(lists)

    by_lineage: dict[UUID, list[Listing]] = {}
    for one in book.rows.values():
        by_lineage.setdefault(one.lineage_id, []).append(one)
    for lineage in by_lineage.values():
        lineage.sort(key=lambda one: one.first_day)
        for earlier, later in pairwise(lineage):
            assert earlier.last_day < later.first_day


def test_a_token_used_again_after_expiry_is_another_lineage() -> None:
    old, new = call(FIRST + timedelta(days=1), 7), call(FIRST + timedelta(days=8), 7)
    book = loaded([(FIRST, [old]), (FIRST + timedelta(days=2), [new])])

    [first] = book.of_token(7, FIRST)
    [second] = book.of_token(7, FIRST + timedelta(days=2))
    assert (first.instrument, second.instrument) == (old, new)
    assert first.lineage_id != second.lineage_id
    assert first.last_day == FIRST + timedelta(days=1)


def test_a_share_that_is_renamed_goes_on_as_the_same() -> None:
    day = FIRST + timedelta(days=1)
    book = loaded([(FIRST, [share("ZOMATO", 5)]), (day, [share("ETERNAL", 5)])])

    [old] = book.of_token(5, FIRST)
    [new] = book.of_token(5, day)
    assert old.lineage_id == new.lineage_id
    assert (new.change, new.first_day, old.last_day) == ("renamed, name", day, FIRST)


def test_a_lot_that_changes_has_its_day() -> None:
    day, expiry = FIRST + timedelta(days=3), FIRST + timedelta(days=9)
    old = call(expiry, 5, lot=75)
    book = loaded([(FIRST, [old]), (day, [replace(old, lot_size=65)])])

    lots = [book.on(FIRST + timedelta(days=gone))[old.ref].lot_size for gone in range(10)]

    assert lots == [75] * 3 + [65] * 7
    assert [one.change for one in book.rows.values() if one.is_current] == ["lot size"]


def test_what_is_left_out_for_a_day_comes_back_as_the_same() -> None:
    days = [FIRST + timedelta(days=gone) for gone in range(3)]
    book = loaded([(days[0], [share("A", 1)]), (days[1], []), (days[2], [share("A", 1)])])

    listings = sorted(book.rows.values(), key=lambda one: one.first_day)

    assert [one.change for one in listings] == ["listed", "listed again"]
    assert listings[0].lineage_id == listings[1].lineage_id
    assert book.on(days[1]) == {}
