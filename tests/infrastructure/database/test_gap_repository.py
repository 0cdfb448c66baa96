"""What is missing, a row a day, on every database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from clocks import FakeClock
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.candle_gaps import CandleGap, MissingReason
from munshi.domain.market.intervals import Interval
from munshi.errors import CandleFilesConflictError
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

KEY = CandleKey(
    mode=BrokerMode.SIMULATED,
    source="kite",
    exchange="NSE",
    instrument="NIFTY 50",
    interval=Interval.FIVE_MINUTES,
)
FIRST, SECOND, THIRD = date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)


def gap(day: date, reason: MissingReason = MissingReason.NOTHING_RETURNED) -> CandleGap:
    return CandleGap(day=day, reason=reason, expected=75, present=0, detail="no such day")


def note(database: Database, clock: FakeClock, *gaps: CandleGap, key: CandleKey = KEY) -> None:
    with database.transaction() as tx:
        tx.gaps.replace_days(key, gaps, first=FIRST, last=THIRD, job_id=uuid4(), now=clock.now())


@pytest.mark.parametrize("reason", MissingReason)
def test_every_reason_is_kept_and_read_back(
    database: Database, clock: FakeClock, reason: MissingReason
) -> None:
    note(database, clock, gap(SECOND, reason))
    with database.reading() as tx:
        [seen] = tx.gaps.list_days(KEY, first=FIRST, last=THIRD)
    assert seen.gap == gap(SECOND, reason)
    assert seen.first_seen == seen.last_seen == clock.now()
    assert seen.job_id is not None


def test_a_day_that_stays_missing_keeps_when_it_was_first_seen_and_a_filled_day_goes(
    database: Database, clock: FakeClock
) -> None:
    note(database, clock, gap(FIRST), gap(SECOND))
    began = clock.now()
    clock.advance(timedelta(hours=1))
    note(database, clock, gap(SECOND, MissingReason.QUOTA), gap(THIRD))
    with database.reading() as tx:
        found = tx.gaps.list_days(KEY, first=FIRST, last=THIRD)
    assert [one.gap for one in found] == [gap(SECOND, MissingReason.QUOTA), gap(THIRD)]
    assert [one.first_seen for one in found] == [began, clock.now()]
    assert {one.last_seen for one in found} == {clock.now()}


def test_series_and_days_beyond_the_range_are_left_alone(
    database: Database, clock: FakeClock
) -> None:
    other = replace(KEY, instrument="NIFTY BANK")
    note(database, clock, gap(FIRST), gap(THIRD))
    note(database, clock, gap(SECOND), key=other)
    with database.transaction() as tx:
        tx.gaps.replace_days(KEY, [], first=FIRST, last=SECOND, job_id=None, now=clock.now())
    with database.reading() as tx:
        assert [one.gap.day for one in tx.gaps.list_days(KEY, first=FIRST, last=THIRD)] == [THIRD]
        assert [one.gap.day for one in tx.gaps.list_days(other, first=FIRST, last=THIRD)] == [
            SECOND
        ]


def test_of_two_writers_in_the_same_moment_the_later_one_is_told(
    postgresql_database: Database, clock: FakeClock
) -> None:
    with postgresql_database.transaction() as ahead:
        ahead.gaps.replace_days(
            KEY, [gap(FIRST)], first=FIRST, last=THIRD, job_id=None, now=clock.now()
        )
        with ThreadPoolExecutor(1) as pool:
            behind = pool.submit(note, postgresql_database, clock, gap(FIRST), gap(SECOND))
            with pytest.raises(TimeoutError):
                behind.result(timeout=0.5)
            ahead.connection.commit()
            with pytest.raises(CandleFilesConflictError):
                behind.result(timeout=30)


def test_series_with_gaps_come_with_the_worst_first(database: Database, clock: FakeClock) -> None:
    other = replace(KEY, instrument="NIFTY BANK")
    note(database, clock, gap(FIRST), gap(THIRD, MissingReason.NOT_YET_TRADED), key=KEY)
    note(database, clock, gap(SECOND), gap(THIRD), key=other)

    with database.reading() as tx:
        worst = tx.gaps.list_series(BrokerMode.SIMULATED, since=FIRST, limit=5)
        recent = tx.gaps.list_series(BrokerMode.SIMULATED, since=THIRD, limit=5)

    assert [(each.instrument, each.days, each.newest) for each in worst] == [
        ("NIFTY BANK", 2, THIRD),
        ("NIFTY 50", 1, FIRST),
    ]
    assert [each.instrument for each in recent] == ["NIFTY BANK"]
