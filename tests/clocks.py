"""A clock that tests set."""

from datetime import datetime, timedelta


class FakeClock:
    """Stands still until told otherwise; sleeping moves it."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock needs an aware instant")
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._monotonic += by.total_seconds()

    def set(self, instant: datetime) -> None:
        """Step to `instant` as an operator would: the monotonic clock does not follow."""
        self._now = instant


class OffClock(FakeClock):
    """A desk's clock that is off from the broker's; both go on together."""

    def __init__(self, broker: FakeClock, *, ahead: timedelta) -> None:
        super().__init__(broker.now() + ahead)
        self._broker = broker

    def advance(self, by: timedelta) -> None:
        super().advance(by)
        self._broker.advance(by)
