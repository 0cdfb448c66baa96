"""What the simulated brokers' own log of arrivals says of a soak."""

import sqlite3
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

from munshi.clock import IST
from munshi.infrastructure.brokers.simulator.faults import FaultKind

_MICROS = 1_000_000
DAY_LIMIT = 5000
# Whoever gets in with a login stops at once when a broker says that it is over.
STOPS_AT_REJECTION = {"collect", "fetch again", "quote", "job", "load lists", "watch logins"}
WITH_LOGIN = {"historical", "quote", "quotes", "user", "instruments", "other", "ticker"}
# Calls that carry no key are counted apart: they are those of the errand that looks at health.
PULSE_ERRAND = "look at health"


@dataclass(frozen=True, slots=True)
class Errand:
    """What the desk did between two numbers of calls, of which the first is not its own."""

    name: str
    after: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as a broker saw it, `at` seconds of its clock."""

    number: int
    at: float
    service: str
    endpoint_class: str
    method: str
    path: str
    fault: str | None

    @property
    def name(self) -> str:
        return f"{self.service} {self.endpoint_class}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most `limit` calls of these classes in any `seconds`."""

    name: str
    classes: frozenset[str]
    seconds: float
    limit: int


WINDOWS = tuple(
    Window(
        name=f"{service} {'/'.join(classes)}",
        classes=frozenset(f"{service} {each}" for each in classes),
        seconds=seconds,
        limit=limit,
    )
    for service, classes, seconds, limit in (
        ("kite", ("historical",), 1, 3),
        ("kite", ("quote",), 1, 1),
        ("kite", ("user", "session", "instruments", "other"), 1, 10),
        ("kite", ("login",), 60, 10),
        ("kite", ("ticker",), 60, 20),
        ("breeze", ("customerdetails", "quotes", "historical", "other"), 60, 100),
        ("breeze", ("login",), 60, 10),
        ("breeze", ("master",), 60, 2),
        ("breeze", ("ticker",), 60, 20),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakVerdict:
    """`fullest` is the worst stretch of each window, `wrong` a sentence for all that may not be."""

    calls: Counter[str]
    faults: Counter[tuple[str, str]]
    retries: int
    fullest: dict[Window, int]
    busiest_day: int
    wrong: tuple[str, ...]

    def table(self) -> Iterator[str]:
        yield f"{sum(self.calls.values())} calls: {_listed(self.calls)}"
        by_kind = Counter[str]()
        for (_, kind), count in self.faults.items():
            by_kind[kind] += count
        yield f"{sum(by_kind.values())} faults: {_listed(by_kind)}"
        yield f"{len(self.faults)} pairs of class and fault, {self.retries} retries"
        for window, fullest in self.fullest.items():
            yield f"{window.name}: at most {fullest} of {window.limit} in {window.seconds:g} s"
        yield f"breeze: at most {self.busiest_day} of {DAY_LIMIT} in a day"


def judge(state_file: Path, errands: Sequence[Errand]) -> SoakVerdict:
    calls = list(_read(state_file))
    by_number = {call.number: call for call in calls}
    pulses = {
        number
        for errand in errands
        if errand.name == PULSE_ERRAND
        for number in range(errand.after + 1, errand.last + 1)
    }
    counted = [call for call in calls if call.number not in pulses]
    fullest = {window: _fullest(window, counted) for window in WINDOWS}
    busiest = max(_days(counted).values(), default=0)
    wrong = [
        f"{window.name}: {count} calls in {window.seconds:g} s, where {window.limit} may be."
        for window, count in fullest.items()
        if count > window.limit
    ]
    if busiest > DAY_LIMIT:
        wrong.append(f"breeze: {busiest} calls in a day.")
    retries = 0
    for errand in errands:
        made = [by_number[n] for n in range(errand.after + 1, errand.last + 1) if n in by_number]
        retries += sum(
            before.fault is not None and before.path == after.path
            for before, after in pairwise(made)
        )
        wrong += _sent_twice(errand, made)
        wrong += _sent_with_a_dead_login(errand, made)
    return SoakVerdict(
        calls=Counter(call.name for call in calls),
        faults=Counter((call.name, call.fault) for call in calls if call.fault in set(FaultKind)),
        retries=retries,
        fullest=fullest,
        busiest_day=busiest,
        wrong=tuple(wrong),
    )


def _read(state_file: Path) -> Iterator[Call]:
    with closing(sqlite3.connect(state_file)) as state:
        for number, at, service, name, method, path, fault in state.execute(
            "SELECT id, arrived_at, service, endpoint_class, method, path, fault"
            " FROM arrivals ORDER BY id"
        ):
            yield Call(
                number=number,
                at=at / _MICROS,
                service=service,
                endpoint_class=name,
                method=method,
                path=path,
                fault=fault,
            )


def _fullest(window: Window, calls: Iterable[Call]) -> int:
    arrived = sorted(call.at for call in calls if call.name in window.classes)
    return max(
        (bisect_left(arrived, at + window.seconds) - place for place, at in enumerate(arrived)),
        default=0,
    )


def _days(calls: Iterable[Call]) -> Counter[date]:
    [api] = [window for window in WINDOWS if "breeze historical" in window.classes]
    counted = (call for call in calls if call.name in api.classes)
    return Counter(datetime.fromtimestamp(call.at, UTC).astimezone(IST).date() for call in counted)


def _sent_twice(errand: Errand, made: Sequence[Call]) -> Iterator[str]:
    """What changes something at a broker is sent once, whatever comes back."""
    if errand.name.startswith("log in") or errand.name == "log out":
        sent = Counter(call.method for call in made if call.endpoint_class == "session")
        yield from (
            f"call {errand.last}: {method} was sent {count} times in one errand ({errand.name})."
            for method, count in sent.items()
            if count > 1
        )


def _sent_with_a_dead_login(errand: Errand, made: Sequence[Call]) -> Iterator[str]:
    if errand.name not in STOPS_AT_REJECTION:
        return
    dead: dict[str, int] = defaultdict(int)
    for call in made:
        if call.endpoint_class not in WITH_LOGIN:
            continue
        if call.service in dead:
            yield f"call {call.number} came after call {dead[call.service]} had its login rejected."
        if call.fault == FaultKind.EXPIRED_TOKEN:
            dead[call.service] = call.number


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
