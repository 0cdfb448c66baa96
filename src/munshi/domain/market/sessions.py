"""Trading hours: the segments, one session of one day, and the hours of an ordinary day."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache

from munshi.domain.market.packaged_data import rows


class Segment(StrEnum):
    """Which trading hours apply.

    CASH: shares without F&O, and every index. CASH_CAS: shares with F&O, whose continuous
    trading ends at 15:15 since the closing auction of 3 Aug 2026 (NSE/CMTR/74466). FNO:
    futures and options.
    """

    CASH = "cash"
    CASH_CAS = "cash_cas"
    FNO = "fno"


class SessionKind(StrEnum):
    REGULAR = "regular"
    SPECIAL = "special"
    MUHURAT = "muhurat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One stretch of continuous trading; `opens` and `closes` are aware, in IST.

    The last minute bar opens a minute before `closes`.
    """

    day: date
    segment: Segment
    opens: datetime
    closes: datetime
    kind: SessionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRegime:
    """The hours of an ordinary trading day from a date on."""

    segment: Segment
    since: date
    opens: time
    closes: time


@cache
def session_regimes() -> tuple[SessionRegime, ...]:
    """All regimes, newest first."""
    found = [
        SessionRegime(
            segment=Segment(str(row["segment"])),
            since=date.fromisoformat(str(row["since"])),
            opens=time.fromisoformat(str(row["opens"])),
            closes=time.fromisoformat(str(row["closes"])),
        )
        for row in rows("session_regimes")
    ]
    return tuple(sorted(found, key=lambda regime: regime.since, reverse=True))


def regular_hours(day: date, segment: Segment) -> SessionRegime:
    """The regime in force; before the oldest one known, the oldest (those of 18 Oct 2010)."""
    of_segment = [regime for regime in session_regimes() if regime.segment is segment]
    return next((regime for regime in of_segment if regime.since <= day), of_segment[-1])
