"""The only place that reads the time. Instants are aware UTC; IST is for people and markets."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")


class Clock(Protocol):
    """What a service asks the time of. Tests hand in a clock they can set."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step, for measuring and pacing."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """This machine's clock, shifted by `offset()` where the database's clock is the law."""

    def __init__(self, offset: Callable[[], timedelta] | None = None) -> None:
        self._offset = offset

    def now(self) -> datetime:
        here = datetime.now(UTC)
        return here + self._offset() if self._offset else here

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def today_ist(clock: Clock) -> date:
    return clock.now().astimezone(IST).date()


def show_ist(instant: datetime) -> str:
    """`22 Nov 2026 22:21:05 IST`, the way every human table shows an instant."""
    return instant.astimezone(IST).strftime("%d %b %Y %H:%M:%S IST")
