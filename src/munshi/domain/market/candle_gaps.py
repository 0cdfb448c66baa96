"""A trading day of which bars are missing, and what is known of why."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class MissingReason(StrEnum):
    """Why bars are missing. The first five are what asking the broker came to."""

    NOTHING_RETURNED = "nothing_returned"
    PARTIAL = "partial"
    REFUSED = "refused"
    QUOTA = "quota"
    ERROR = "error"
    NOT_YET_TRADED = "not_yet_traded"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleGap:
    """One day of one series, as it was found when the broker was last asked for it.

    `expected` and `present` count bars closed by then. `detail` is the error's sentence or what
    the refused rows had wrong.
    """

    day: date
    reason: MissingReason
    expected: int
    present: int
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenGap:
    """A gap that is kept: since when, when last, and by which job, if one asked."""

    gap: CandleGap
    first_seen: datetime
    last_seen: datetime
    job_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesGaps:
    """How many days of one series lack bars, and the newest of them."""

    source: str
    exchange: str
    instrument: str
    interval: str
    days: int
    newest: date
