"""How a new list changes the history of listings: what begins, what ends, what never was.

A pure function of what is held and what a list says, so that a list can be compared before
anything is written, and the same list again changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID, uuid4

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.domain.market.listings import OPEN_END, Listing

# What is told when it changes, with the words that `change` uses.
_TOLD = (
    ("tradingsymbol", "renamed"),
    ("name", "name"),
    ("lot_size", "lot size"),
    ("tick_size", "tick size"),
    ("segment", "hours"),
    ("expiry", "expiry"),
    ("kite_token", "token"),
    ("breeze_token", "token"),
    ("breeze_code", "code"),
)
# Exchange and symbol: a hundred thousand plain tuples cost a second less than as many refs.
_Key = tuple[str, str]
LISTED, RELISTED = "listed", "listed again"


@dataclass(slots=True)
class Losses:
    """Of one exchange's listings that have not expired: how many, and what is odd about the list.

    `gone` are not in the list any more, `moved` are contracts with another expiry than before.
    """

    held: int = 0
    gone: int = 0
    moved: int = 0


@dataclass(slots=True, kw_only=True)
class Difference:
    """What is to be written so that the history says what the list says.

    `begun` are new rows, `ended` and `resumed` rows whose days change, `never` rows of an earlier
    list of the same day that the newer one takes back.
    """

    begun: list[Listing] = field(default_factory=list)
    ended: list[Listing] = field(default_factory=list)
    resumed: list[Listing] = field(default_factory=list)
    never: list[UUID] = field(default_factory=list)
    kept: list[Listing] = field(default_factory=list)
    losses: dict[str, Losses] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.begun or self.ended or self.resumed or self.never)

    @property
    def current(self) -> list[Listing]:
        """What the newest list names."""
        return [*self.kept, *self.resumed, *self.begun]


@dataclass(frozen=True, slots=True)
class _Past:
    """The history as it stood before any list of the day."""

    open: dict[_Key, Listing]
    closed: dict[_Key, Listing]
    of_day: dict[_Key, Listing]
    # Lineages that go on under some symbol, or were taken up again: none goes on twice.
    taken: set[UUID]


def compare(
    held: Iterable[Listing],
    listed: Sequence[Instrument],
    *,
    service: Service,
    day: date,
    before: date | None,
) -> Difference:
    """Compare one broker's listings with its list of `day`; `before` is the day of the last list.

    `held` are the listings of the list's exchanges that are current, and those that ended lately,
    so that an instrument that was left out for some days goes on as the same. `listed` has each
    exchange and symbol once. A list of a day that was already loaded replaces that day's.
    """
    past = _past(held, day=day, before=before)
    found = Difference()
    names = {_key(instrument) for instrument in listed}
    found.losses = _losses(past, listed, day=day)
    gone = _by_token(one for key, one in past.open.items() if key not in names)
    for instrument in listed:
        key = _key(instrument)
        old = past.open.pop(key, None)
        if old is not None and old.instrument == instrument:
            (found.kept if old.is_current else found.resumed).append(_opened(old))
            continue
        begun = _begun(instrument, old, past, gone, service=service, day=day)
        if old is not None:
            _end(found, old, day=day, before=before)
        today = past.of_day.get(key)
        if today is not None and _same(today, begun):
            found.kept.append(today)
            del past.of_day[key]
        else:
            found.begun.append(begun)
    for old in past.open.values():
        _end(found, old, day=day, before=before)
    found.never = [one.listing_id for one in past.of_day.values()]
    return found


def _losses(past: _Past, listed: Sequence[Instrument], *, day: date) -> dict[str, Losses]:
    listing = {_key(instrument): instrument for instrument in listed}
    before = {**past.of_day, **past.open}
    found: dict[str, Losses] = {}
    for key, old in before.items():
        if not old.is_current and key in past.of_day and key not in past.open:
            continue
        expiry = old.instrument.expiry
        if expiry is not None and expiry < day:
            continue
        losses = found.setdefault(key[0], Losses())
        losses.held += 1
        new = listing.get(key)
        losses.gone += new is None
        losses.moved += new is not None and new.expiry != expiry
    return found


def _past(held: Iterable[Listing], *, day: date, before: date | None) -> _Past:
    past = _Past({}, {}, {}, set())
    for one in held:
        key = _key(one.instrument)
        if one.first_day >= day:
            past.of_day[key] = one
        elif one.last_seen is None or one.last_seen == before:
            past.open[key] = one
            past.taken.add(one.lineage_id)
        elif key not in past.closed or past.closed[key].last_day < one.last_day:
            past.closed[key] = one
    return past


def _begun(
    instrument: Instrument,
    old: Listing | None,
    past: _Past,
    gone: dict[object, Listing],
    *,
    service: Service,
    day: date,
) -> Listing:
    earlier, change = old, None
    if earlier is not None and not _is_same_thing(earlier.instrument, instrument):
        earlier = None
    if earlier is None:
        earlier = gone.get(_token(instrument))
        if earlier is not None and not _is_same_thing(earlier.instrument, instrument):
            earlier = None
    if earlier is None:
        earlier = _left_out(instrument, past)
        change = RELISTED if earlier is not None else None
    key = uuid4()
    return Listing(
        listing_id=key,
        lineage_id=earlier.lineage_id if earlier else key,
        service=service,
        instrument=instrument,
        first_day=day,
        last_day=instrument.expiry or OPEN_END,
        last_seen=None,
        change=change or (_changes(earlier.instrument, instrument) if earlier else LISTED),
    )


def _left_out(instrument: Instrument, past: _Past) -> Listing | None:
    """The listing of the same symbol and token that ended lately, unless its lineage goes on."""
    closed = past.closed.get(_key(instrument))
    if (
        closed is None
        or closed.lineage_id in past.taken
        or _token(closed.instrument) != _token(instrument)
        or not _is_same_thing(closed.instrument, instrument)
    ):
        return None
    past.taken.add(closed.lineage_id)
    return closed


def _is_same_thing(old: Instrument, new: Instrument) -> bool:
    """Contracts are their terms, all else is its token or its symbol."""
    if old.kind is not new.kind or old.exchange != new.exchange:
        return False
    if new.kind.is_derivative:
        return (old.underlying, old.expiry, old.strike) == (new.underlying, new.expiry, new.strike)
    return True


def _same(one: Listing, other: Listing) -> bool:
    return (
        one.instrument == other.instrument
        and one.change == other.change
        and other.lineage_id in {one.lineage_id, other.listing_id}
    )


def _changes(old: Instrument, new: Instrument) -> str:
    told = [word for name, word in _TOLD if getattr(old, name) != getattr(new, name)]
    return ", ".join(dict.fromkeys(told)) or "terms"


def _opened(one: Listing) -> Listing:
    if one.is_current:
        return one
    return replace(one, last_seen=None, last_day=one.instrument.expiry or OPEN_END)


def _end(found: Difference, old: Listing, *, day: date, before: date | None) -> None:
    """End `old` with the day before `day`, unless it ended so already or expired before."""
    if not old.is_current:
        return
    last = min(old.instrument.expiry or OPEN_END, day - timedelta(days=1))
    found.ended.append(replace(old, last_day=max(last, old.first_day), last_seen=before))


def _token(instrument: Instrument) -> object:
    return instrument.exchange, instrument.kite_token or instrument.breeze_token


def _by_token(listings: Iterable[Listing]) -> dict[object, Listing]:
    found: dict[object, Listing] = {}
    for one in listings:
        key = _token(one.instrument)
        if key != (one.instrument.exchange, None):
            found[key] = one
    return found


def _key(instrument: Instrument) -> _Key:
    return instrument.exchange, instrument.tradingsymbol
