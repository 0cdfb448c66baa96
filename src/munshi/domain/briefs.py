"""Briefs: whether the desk is ready for the open, and what became of the day, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from munshi.clock import IST
from munshi.domain.alerts import Alert, AlertState
from munshi.domain.readiness import Verdict

MOST_LINES = 12


class BriefKind(StrEnum):
    MORNING = "morning"
    EVENING = "evening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the calendar says of the day; `unknown` where it ends before."""

    opens: datetime | None = None
    closes: datetime | None = None
    is_unknown: bool = False

    @property
    def said(self) -> str:
        if self.is_unknown:
            return "The calendar does not know this year: munshi calendar"
        if self.opens is None or self.closes is None:
            return "No trading today."
        return f"The market trades from {_clock(self.opens)} to {_clock(self.closes)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How the desk stands before the open.

    `planned` are the schedules that are due today still, with when (aware).
    """

    market: Market
    verdict: Verdict
    planned: Sequence[tuple[datetime, str]]
    alerts: Sequence[Alert]

    @property
    def headline(self) -> str:
        return self.verdict.line


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummary:
    """What became of a day. `jobs` are counts by state; `missed` due times by schedule."""

    market: Market
    jobs: Mapping[str, int]
    missed: Mapping[str, int]
    gaps: Sequence[str]
    fired: int
    alerts: Sequence[Alert]

    @property
    def headline(self) -> str:
        bad = sum(self.jobs.get(state, 0) for state in ("failed", "dead", "held"))
        troubles = [
            said
            for number, said in (
                (bad, f"{bad} jobs did not go well"),
                (len(self.missed), f"{len(self.missed)} schedules were missed"),
                (len(self.gaps), f"{len(self.gaps)} series lack bars"),
            )
            if number
        ]
        return f"The day: {'; '.join(troubles)}" if troubles else "The day: all went well"


def morning_body(found: Readiness) -> str:
    """The lines below the headline."""
    lines = [found.market.said]
    lines += [f"In the way: {each}" for each in found.verdict.missing]
    if found.planned:
        lines += ["", "Today:"]
        lines += [f"  {_clock(at)} {name}" for at, name in sorted(found.planned)[:MOST_LINES]]
        if len(found.planned) > MOST_LINES:
            lines.append(f"  and {len(found.planned) - MOST_LINES} more")
    return "\n".join([*lines, *_open_lines(found.alerts)])


def evening_body(found: DaySummary) -> str:
    """The lines below the headline."""
    jobs = ", ".join(f"{number} {state}" for state, number in sorted(found.jobs.items()))
    lines = [found.market.said, f"Jobs: {jobs or 'none'}.", f"Alerts that fired: {found.fired}."]
    lines += [f"Missed: {name}, {times} times" for name, times in sorted(found.missed.items())]
    lines += [f"Gap: {said}" for said in found.gaps[:MOST_LINES]]
    return "\n".join([*lines, *_open_lines(found.alerts)])


def _open_lines(alerts: Sequence[Alert]) -> list[str]:
    firing = [each for each in alerts if each.state == AlertState.FIRING]
    if not firing:
        return []
    firing.sort(key=lambda each: -each.severity.rank)
    lines = [f"  {each.severity}: {each.title}" for each in firing[:MOST_LINES]]
    return ["", f"Open alerts: {len(firing)}", *lines]


def _clock(at: datetime) -> str:
    return f"{at.astimezone(IST):%H:%M}"
