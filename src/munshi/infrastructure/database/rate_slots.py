"""Taking slots for broker calls, from all limits that bind them at once, or none at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Need:
    """A slot of this pool is needed, none of the first `above`; and a place in the day's count.

    `version` is that of the pool as it was read. The slot stays taken until `taken_for` after
    the claim if nobody says more.
    """

    pool_id: int
    version: int
    seconds: float
    above: int
    taken_for: timedelta
    day_row: int | None
    day_limit: int


@dataclass(frozen=True, slots=True)
class Held:
    """A slot that is taken. `until` stands in its row, and tells its holder from a later one."""

    pool_id: int
    slot: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a slot that was held: when it is free. Nothing, if it is somebody else's."""

    held: Held
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not even one permit was given, and for how many seconds asking again is of no use.

    Nothing was written.
    """

    pool_id: int
    why: Literal["slots", "closed", "day", "changed"]
    seconds: float


Permits = list[tuple[Held, ...]]


class SlotBook(Protocol):
    """Used by several threads, one at a time. Raises DatabaseUnreachableError."""

    def claim(
        self, needs: Sequence[Need], *, most: int, settled: Sequence[Settled], now: datetime
    ) -> Permits | Refused:
        """Store `settled`; then take up to `most` permits, each a slot of every need.

        One transaction. What is taken counts on the day at once.
        """
        ...

    def settle(self, settled: Sequence[Settled], *, now: datetime) -> None: ...

    def close(self) -> None: ...


def until_free(need: Need, next_free: datetime | None, now: datetime) -> Refused:
    """All slots are taken. One whose call is under way is free a window from now at the soonest."""
    seconds = need.seconds
    if next_free is not None:
        seconds = min(seconds, max((next_free - now).total_seconds(), 0.0))
    return Refused(need.pool_id, "slots", seconds)


def until_open(need: Need, closed_until: datetime, now: datetime) -> Refused:
    return Refused(need.pool_id, "closed", (closed_until - now).total_seconds())
