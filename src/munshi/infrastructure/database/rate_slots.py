"""Taking slots for broker calls, from all limits that bind them at once, or none at all."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Need:
    """A slot of this pool is needed, none of the first `above`; and a place in the day's count.

    `version` is that of the pool as it was read. The slot stays taken for `taken_for` seconds if
    nobody says more.
    """

    pool_id: int
    version: int
    seconds: float
    above: int
    taken_for: float
    day_row: int | None
    day_limit: int


@dataclass(frozen=True, slots=True)
class Held:
    """A slot that is taken. `lease` stands in its row, and tells its holder from a later one."""

    pool_id: int
    slot: int
    lease: int


@dataclass(frozen=True, slots=True)
class Settled:
    """When a held slot is free, on the monotonic clock. Nothing, if it is not ours any more.

    Whatever a database calls now, the time until then is the same.
    """

    held: Held
    free_at: float


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on the clock that slots are timed by, and on the monotonic one."""

    now: datetime
    at: float

    def instant(self, at: float) -> datetime:
        return self.now + timedelta(seconds=at - self.at)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not even one permit was given, and for how many seconds asking again is of no use.

    Nothing was written.
    """

    pool_id: int
    why: Literal["slots", "closed", "day", "changed"]
    seconds: float


Permits = list[tuple[Held, ...]]


def draw_lease() -> int:
    """Two that are alike would have to meet in one slot within seconds."""
    return secrets.randbits(62) + 1


class SlotBook(Protocol):
    """Used by several threads, one at a time. Raises DatabaseUnreachableError.

    `moment` is taken just before; one that is late makes slots free later, never sooner.
    """

    def claim(
        self, needs: Sequence[Need], *, most: int, settled: Sequence[Settled], moment: Moment
    ) -> Permits | Refused:
        """Store `settled`; then take up to `most` permits, each a slot of every need.

        One transaction. What is taken counts on the day at once.
        """
        ...

    def settle(self, settled: Sequence[Settled], moment: Moment) -> None: ...

    def close(self) -> None: ...


def until_free(need: Need, seconds: float | None) -> Refused:
    """All slots are taken, the next for so long; None if there is none at all.

    One whose call is under way is free a window from now at the soonest.
    """
    soonest = need.seconds if seconds is None else min(need.seconds, max(seconds, 0.0))
    return Refused(need.pool_id, "slots", soonest)
