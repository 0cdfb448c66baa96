"""Due every so often, counted from an anchor, so that a restart does not shift the beat."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from munshi.clock import IST
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.triggers.trigger import counted

UNITS = ("seconds", "minutes", "hours", "days")
MIDNIGHT_IST = datetime(2000, 1, 1, tzinfo=IST)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalTrigger:
    """Every `every` `unit`, before and after `anchor` alike; a day has 24 hours."""

    kind: ClassVar[str] = "interval"
    every: int
    unit: str
    anchor: datetime = MIDNIGHT_IST

    @property
    def step(self) -> timedelta:
        return timedelta(**{self.unit: self.every})

    def due_after(self, instant: datetime, calendar: MarketCalendar) -> Iterator[datetime]:  # noqa: ARG002
        step, turn = self.step, self.turns_until(instant)
        begun = self.anchor.astimezone(UTC)
        while True:
            turn += 1
            yield begun + turn * step

    def turns_until(self, instant: datetime) -> int:
        """How often it was due from the anchor until `instant`, itself included."""
        return (instant - self.anchor) // self.step

    def describe(self) -> str:
        often = self.unit[:-1] if self.every == 1 else counted(self.every, self.unit[:-1])
        return f"every {often}, counted from {self._anchor_text()} IST"

    def _anchor_text(self) -> str:
        if self.anchor == MIDNIGHT_IST:
            return "midnight"
        return self.anchor.astimezone(IST).strftime("%d %b %Y %H:%M:%S")

    def to_json(self) -> dict[str, Any]:
        document = {"kind": self.kind, "every": self.every, "unit": self.unit}
        if self.anchor != MIDNIGHT_IST:
            document["anchor"] = self.anchor.isoformat()
        return document
