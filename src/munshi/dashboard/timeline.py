"""The day's schedule as a picture: where each due time stands between midnight and midnight."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import IST
from munshi.scheduler.day import DayRun, ScheduleDay

WIDTH = 960
_ROW = 26
_TOP = 22
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One due time, at `x` and `y` of the picture."""

    x: float
    y: float
    run: DayRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One schedule's line, with its name at `y`."""

    y: float
    day: ScheduleDay
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All in the units of the picture, which is `width` by `height`; `hours` are (x, hour)."""

    width: int
    height: int
    now: float
    hours: tuple[tuple[float, int], ...]
    rows: tuple[Row, ...]
    often: tuple[ScheduleDay, ...]


def draw(days: Sequence[ScheduleDay], now: datetime) -> Timeline:
    """Schedules that are due too often for marks are `often`, told in words."""
    shown = [day for day in days if day.runs]
    rows = tuple(
        Row(
            y=_TOP + number * _ROW + _ROW / 2,
            day=day,
            marks=tuple(
                Mark(x=_x(run.due), y=_TOP + number * _ROW + _ROW / 2, run=run) for run in day.runs
            ),
        )
        for number, day in enumerate(shown)
    )
    return Timeline(
        width=WIDTH,
        height=_TOP + _ROW * len(shown) + 6,
        now=_x(now),
        hours=tuple((WIDTH * hour / 24, hour) for hour in range(0, 24, 3)),
        rows=rows,
        often=tuple(day for day in days if not day.runs),
    )


def _x(instant: datetime) -> float:
    local = instant.astimezone(IST)
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return round(WIDTH * seconds / _DAY_SECONDS, 1)
