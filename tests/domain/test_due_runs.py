"""What is gathered of a stretch of due times, however long it was."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from munshi.domain.due_runs import Decision, decide, gather, missed_runs
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import MissedPolicy, MissedRule, Schedule
from munshi.domain.triggers import IntervalTrigger

CALENDAR = MarketCalendar.packaged()
BEGAN = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
MINUTES = IntervalTrigger(every=1, unit="minutes")


def schedule(policy: MissedPolicy, *, most: int = 1, grace: int = 60) -> Schedule:
    return Schedule(
        name="x",
        job_type="echo",
        parameters={},
        enabled=True,
        trigger=MINUTES,
        missed=MissedRule(policy=policy, most=most),
        grace_seconds=grace,
    )


@given(st.integers(0, 700), st.sets(st.integers(1, 700), max_size=40))
def test_a_long_stretch_is_counted_as_a_short_one_is_walked(
    minutes: int, known_minutes: set[int]
) -> None:
    until = BEGAN + timedelta(minutes=minutes, seconds=30)
    known = frozenset(BEGAN + timedelta(minutes=each) for each in known_minutes if each <= minutes)
    walked = [
        due for due in islice(MINUTES.due_after(BEGAN, CALENDAR), minutes) if due not in known
    ]

    batch = gather(MINUTES, after=BEGAN, until=until, calendar=CALENDAR, known=known)

    assert batch.count == len(walked)
    assert batch.first == (walked[0] if walked else None)
    assert list(batch.newest) == walked[-len(batch.newest) :][: len(batch.newest)]
    assert len(batch.newest) == min(len(walked), 120)


@given(
    st.sampled_from(MissedPolicy),
    st.integers(1, 100),
    st.integers(0, 300),
    st.integers(0, 7200),
)
def test_every_due_time_is_either_started_or_missed(
    policy: MissedPolicy, most: int, minutes: int, grace: int
) -> None:
    now = BEGAN + timedelta(minutes=minutes, seconds=20)
    batch = gather(MINUTES, after=BEGAN, until=now, calendar=CALENDAR)

    found = decide(schedule(policy, most=most, grace=grace), batch, now=now)

    assert len(found.fired) + sum(gap.count for gap in found.missed) == minutes
    assert len(found.fired) <= (most if policy is MissedPolicy.RUN_ALL else 1)
    assert all(gap.last < found.fired[0] for gap in found.missed if found.fired)
    assert len(found.missed) <= 20
    assert list(found.fired) == sorted(found.fired)
    if policy is MissedPolicy.SKIP:
        assert all(now - due <= timedelta(seconds=grace) for due in found.fired)


def test_nothing_due_is_nothing_to_do() -> None:
    batch = gather(MINUTES, after=BEGAN, until=BEGAN, calendar=CALENDAR)

    assert decide(schedule(MissedPolicy.RUN_ONCE), batch, now=BEGAN) == Decision(
        fired=(), missed=()
    )
    assert missed_runs(batch, reason=str) == ()
