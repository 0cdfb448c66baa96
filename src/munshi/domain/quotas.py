"""How many calls the brokers allow, from when on, and who may use them up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from munshi.clock import IST

# The broker's clock and ours do not run exactly alike, nor do those of two hosts.
CLOCK_SLACK = 0.005
DRIFT = 0.001
# Around midnight it is anybody's guess on which day the broker counts a call.
MIDNIGHT_SLACK = timedelta(seconds=2)


class Priority(StrEnum):
    """Who asks: somebody who waits for the answer, or a job that fetches for hours."""

    URGENT = "urgent"
    BULK = "bulk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `requests` in any stretch of `seconds`, and `daily` from midnight to midnight IST.

    `since` is the first day (IST) it holds; None for always.
    """

    requests: int
    seconds: float
    daily: int | None = None
    since: date | None = None


DOCUMENTED_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        # Kite Connect, "Exceptions and errors", rate limits per api_key.
        "kite.quote": Limit(requests=1, seconds=1.0),
        "kite.historical": Limit(requests=3, seconds=1.0),
        "kite.other": Limit(requests=10, seconds=1.0),
        # The same page: orders are counted per client, over all platforms, and for three spans.
        "kite.order": Limit(requests=10, seconds=1.0, daily=5000),
        "kite.order_minute": Limit(requests=400, seconds=60.0),
        # Breeze documentation, "API usage": one count for all calls. Its regulatory section:
        # ten orders, changes and cancellations together a second.
        "breeze.api": Limit(requests=100, seconds=60.0, daily=5000),
        "breeze.order": Limit(requests=10, seconds=1.0),
        # Undocumented pages and files: our own restraint.
        "breeze.master": Limit(requests=2, seconds=60.0),
        "kite.login": Limit(requests=10, seconds=60.0),
        "breeze.login": Limit(requests=10, seconds=60.0),
        # Handshakes of streams, of which the docs count only the open ones: ours again.
        "kite.stream": Limit(requests=20, seconds=60.0),
        "breeze.stream": Limit(requests=20, seconds=60.0),
        # Asked without key and session, to see whether anybody answers: our own restraint too.
        "kite.pulse": Limit(requests=10, seconds=60.0),
        "breeze.pulse": Limit(requests=10, seconds=60.0),
    }
)
# Which limits bind a class of calls; one that is not here is bound by that of its own name.
_BINDING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "kite.order": ("kite.order", "kite.order_minute"),
        "breeze.order": ("breeze.order", "breeze.api"),
    }
)


def binding_limits(endpoint_class: str) -> tuple[str, ...]:
    """The limits that bind a call of this class, all at once."""
    return _BINDING.get(endpoint_class, (endpoint_class,))


def limit_on(day: date, documented: Limit, entries: Sequence[Mapping[str, Any]]) -> Limit:
    """The limit that holds on `day` (IST): the last of `entries` that has begun.

    An entry without a daily count leaves the documented one.
    """
    found = documented
    for entry in entries:
        since = date.fromisoformat(entry["since"]) if "since" in entry else None
        if since is None or since <= day:
            found = Limit(
                requests=entry["requests"],
                seconds=float(entry["seconds"]),
                daily=entry.get("daily", documented.daily),
                since=since,
            )
    return found


def kept_of(total: int, percent: int) -> int:
    """How many of `total` are kept back, rounded down: of one or two, none is."""
    return total * percent // 100


def cooling_seconds(seconds: float) -> float:
    """How long after the reply a slot of a window of `seconds` stays taken."""
    return seconds * (1 + DRIFT) + CLOCK_SLACK


def day_ist(instant: datetime) -> date:
    return instant.astimezone(IST).date()


def midnight_ist(day: date) -> datetime:
    """The instant at which `day` begins, in IST."""
    return datetime.combine(day, time(0), tzinfo=IST).astimezone(UTC)


def seconds_to_midnight_ist(instant: datetime) -> float:
    """Until the brokers' day counts start again.

    Breeze does not document when its count does; reports say at midnight IST.
    """
    return (midnight_ist(day_ist(instant) + timedelta(days=1)) - instant).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePool:
    """One limit as every process keeps it now: a row of ApiRatePools with as many slots.

    Downloads leave `kept` of its slots and, while the market trades, `daily_kept` of its day.
    """

    pool_id: int
    name: str
    requests: int
    seconds: float
    daily: int | None
    kept: int
    daily_kept: int
    closed_until: datetime
    version: int
    config_revision: int
    worked_out_for: date
