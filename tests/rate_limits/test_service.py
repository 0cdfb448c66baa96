"""What is told of the limits: today, last month, and what is forgotten."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from clocks import FakeClock
from munshi.domain.rate_calls import CallCount
from munshi.errors import BrokerThrottledError
from munshi.infrastructure.database.engine import Database
from munshi.rate_limits.pools import PoolBook
from munshi.rate_limits.service import RateLimitService
from munshi.settings import BrokerMode
from quotas import nothing_kept, open_gate

SIMULATED = BrokerMode.SIMULATED
OCTOBER = datetime(2026, 10, 14, 4, 0, tzinfo=UTC)


def open_service(database: Database, clock: FakeClock) -> RateLimitService:
    pools = PoolBook(database, clock, mode=SIMULATED, kept_until=nothing_kept)
    return RateLimitService(database, clock, mode=SIMULATED, pools=pools)


def save_calls(database: Database, *counts: CallCount) -> None:
    with database.transaction() as tx:
        tx.rate_calls.save_calls(counts, mode=SIMULATED)


def test_calls_are_kept_by_minute_with_refusals_and_waits(
    database: Database, clock: FakeClock
) -> None:
    with closing(open_gate(database, clock)) as gate:
        for _ in range(4):
            with gate.permit("kite.historical"):
                pass
        with pytest.raises(BrokerThrottledError), gate.permit("kite.historical"):
            raise BrokerThrottledError("Too many requests.", retry_after=5.0)

    [status] = [s for s in open_service(database, clock).list_limits() if s.name.endswith("cal")]

    assert status.today.requests == 5
    assert status.today.refusals == 1
    assert status.today.waits == 1
    assert status.today.waited_seconds == pytest.approx(1.0, abs=0.1)
    assert status.curve[20] == sum(status.curve) == 5  # from 10:00 to 10:30 IST
    assert status.closed_until is not None


def test_the_same_minute_of_two_processes_is_added_up(database: Database) -> None:
    once = CallCount("kite.quote", OCTOBER, 3, 1, 2, 0.5, 1)

    save_calls(database, once)
    save_calls(database, once)

    with database.reading() as tx:
        minutes, days = tx.rate_calls.list_calls(
            since=OCTOBER, until=OCTOBER + timedelta(hours=1), mode=SIMULATED
        )
    assert minutes == [CallCount("kite.quote", OCTOBER, 6, 2, 4, 1.0, 1)]
    assert days == []


def test_simulated_calls_are_not_counted_with_live_ones(database: Database) -> None:
    save_calls(database, CallCount("kite.quote", OCTOBER, 3, 0, 0, 0.0, 1))

    with database.reading() as tx:
        minutes, _ = tx.rate_calls.list_calls(
            since=OCTOBER, until=OCTOBER + timedelta(hours=1), mode=BrokerMode.LIVE
        )
    assert minutes == []


def test_old_minutes_are_forgotten_and_days_live_on(database: Database, clock: FakeClock) -> None:
    save_calls(database, CallCount("breeze.api", clock.now(), 3, 0, 0, 0.0, 100))
    with closing(open_gate(database, clock)) as gate, gate.permit("breeze.api"):
        pass
    service = open_service(database, clock)

    kept = service.cleanup()
    clock.advance(timedelta(days=70))
    minutes_gone = service.cleanup()
    clock.advance(timedelta(days=700))
    days_gone = service.cleanup()

    assert (kept, minutes_gone, days_gone) == (0, 1, 1)


def test_last_month_names_the_busiest_minute_the_fullest_day_and_what_would_help(
    database: Database, clock: FakeClock
) -> None:
    save_calls(
        database,
        CallCount("breeze.api", OCTOBER, 90, 0, 80, 120.0, 100),
        CallCount("breeze.api", OCTOBER + timedelta(minutes=1), 10, 2, 0, 0.0, 100),
        CallCount("breeze.api", OCTOBER + timedelta(days=30), 50, 0, 0, 0.0, 100),
    )
    with database.transaction() as tx:
        row = tx.rate_pools.open_day("breeze.api", OCTOBER.date(), mode=SIMULATED, limit=5000)
        tx.rate_pools.count_on_day(row, 4900)

    report = open_service(database, clock).analyse_last_month()

    [breeze] = report["classes"]
    assert breeze["calls"] == 100
    assert breeze["calls_in_busiest_minute"] == 90
    assert breeze["share_of_limit_in_busiest_minute"] == 0.9
    assert breeze["busiest_minute"] == "14 Oct 2026 09:30:00 IST"
    assert (breeze["fullest_day"], breeze["nearly_full_days"]) == ("2026-10-14", 1)
    assert report["summary"].startswith("100 calls in October 2026, 2 refused by the brokers.")
    assert len(report["advice"]) == 3
