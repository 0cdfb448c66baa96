"""Which due times are started and which were missed, when a scheduler comes to look."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import MOST_RUNS, MissedPolicy, Schedule
from munshi.domain.triggers import IntervalTrigger, Trigger
from munshi.domain.triggers.trigger import span
from munshi.errors import CalendarYearUnknownError

# So many missed in a row have a row each; more have one together.
MOST_MISSED_ROWS = 20
_KEPT = MOST_RUNS + MOST_MISSED_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Due times of a stretch: how many, the first, and the newest hundred-odd in order."""

    count: int
    first: datetime | None
    newest: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """`count` due times in a row, from `first` to `last`, none of which was started."""

    first: datetime
    last: datetime
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to start, oldest first, and what was missed before it: a gap of one is one run."""

    fired: tuple[datetime, ...]
    missed: tuple[Gap, ...]


def gather(
    trigger: Trigger,
    *,
    after: datetime,
    until: datetime,
    calendar: MarketCalendar,
    known: frozenset[datetime] = frozenset(),
) -> Batch:
    """The due times later than `after`, up to and including `until`, without those `known`.

    `known` are due times of that stretch which have their row already. Where the calendar ends,
    nothing is due any more.
    """
    if isinstance(trigger, IntervalTrigger):
        count = trigger.turns_until(until) - trigger.turns_until(after)
        if count > 2 * _KEPT + len(known):
            return _of_many(trigger, after=after, until=until, calendar=calendar, known=known)
    first, count = None, 0
    newest: deque[datetime] = deque(maxlen=_KEPT)
    for due in _between(trigger, after, until, calendar):
        if due not in known:
            first = first or due
            newest.append(due)
            count += 1
    return Batch(count=count, first=first, newest=tuple(newest))


def _of_many(
    trigger: IntervalTrigger,
    *,
    after: datetime,
    until: datetime,
    calendar: MarketCalendar,
    known: frozenset[datetime],
) -> Batch:
    """`gather` without walking through years of seconds."""
    late = until - (_KEPT + len(known)) * trigger.step
    newest = [due for due in _between(trigger, late, until, calendar) if due not in known]
    first = next(due for due in trigger.due_after(after, calendar) if due not in known)
    count = trigger.turns_until(until) - trigger.turns_until(after) - len(known)
    return Batch(count=count, first=first, newest=tuple(newest[-_KEPT:]))


def _between(
    trigger: Trigger, after: datetime, until: datetime, calendar: MarketCalendar
) -> Iterator[datetime]:
    with suppress(CalendarYearUnknownError):
        yield from takewhile(lambda due: due <= until, trigger.due_after(after, calendar))


def decide(schedule: Schedule, batch: Batch, *, now: datetime) -> Decision:
    """Apply the schedule's rule for missed runs to what has become due until `now`."""
    rule = schedule.missed
    most = rule.most if rule.policy is MissedPolicy.RUN_ALL else 1
    wanted = [due for due in batch.newest if _too_late(schedule, now - due) is None]
    fired = tuple(wanted[-most:])
    missed = missed_runs(batch, but=len(fired), reason=lambda due: _reason(schedule, due, now))
    return Decision(fired=fired, missed=missed)


def missed_runs(
    batch: Batch, *, but: int = 0, reason: Callable[[datetime], str]
) -> tuple[Gap, ...]:
    """All of the batch but its newest `but`, as what was missed: one by one, or one gap."""
    count = batch.count - but
    if not count or batch.first is None:
        return ()
    left = batch.newest[: len(batch.newest) - but]
    if count <= MOST_MISSED_ROWS:
        return tuple(Gap(first=due, last=due, count=1, reason=reason(due)) for due in left)
    return (Gap(first=batch.first, last=left[-1], count=count, reason=reason(batch.first)),)


def _too_late(schedule: Schedule, late: timedelta) -> str | None:
    """Why a run that is so late is not started any more; None if it may be."""
    rule = schedule.missed
    if late <= timedelta(seconds=schedule.grace_seconds):
        return None
    if rule.policy is MissedPolicy.SKIP:
        return f"runs that are more than {span(schedule.grace_seconds)} late are skipped"
    if rule.within_seconds is not None and late > timedelta(seconds=rule.within_seconds):
        return f"a run is not made up for after {span(rule.within_seconds)}"
    return None


def _reason(schedule: Schedule, due: datetime, now: datetime) -> str:
    why = _too_late(schedule, now - due)
    if why is None and schedule.missed.policy is MissedPolicy.RUN_ALL:
        why = f"no more than {schedule.missed.most} are made up for at once"
    return f"No scheduler was at work; {why or 'a later run stands for it'}."
