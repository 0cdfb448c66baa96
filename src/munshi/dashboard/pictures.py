"""What a chart shows, as its script reads it; what it says stands in words beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

MOST_POINTS = 1000


class Colour(StrEnum):
    """Colours of the page, so that they fit dark and light."""

    MAIN = "--pico-primary"
    GOOD = "--good"
    BAD = "--bad"
    WARN = "--warn"
    CALM = "--calm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One value a time, None where there is none. `kind` is line or bars."""

    name: str
    values: Sequence[float | None]
    colour: Colour = Colour.MAIN
    kind: str = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """Lines over the same instants, in order. `unit` stands behind each number."""

    title: str
    times: Sequence[datetime]
    lines: Sequence[Line]
    unit: str = ""

    @property
    def document(self) -> dict[str, object]:
        """Times in seconds since 1970; of many points every so manieth, and the last."""
        step = -(-len(self.times) // MOST_POINTS) or 1
        places = list(range(0, len(self.times), step))
        if places and places[-1] != len(self.times) - 1:
            places.append(len(self.times) - 1)
        return {
            "unit": self.unit,
            "times": [int(self.times[place].timestamp()) for place in places],
            "lines": [
                {**asdict(line), "values": [_short(line.values[place]) for place in places]}
                for line in self.lines
            ],
        }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
