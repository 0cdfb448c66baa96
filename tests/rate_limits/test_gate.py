"""The gate against a clock that tests move, and against real threads, on every database."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clocks import FakeClock
from munshi.clock import SystemClock
from munshi.domain.alerts import Severity
from munshi.domain.quotas import DOCUMENTED_LIMITS, Priority
from munshi.errors import BrokerThrottledError, BrokerUnavailableError, RequestAbandonedError
from munshi.infrastructure.brokers.simulator import rate_limits
from munshi.infrastructure.database.engine import Database
from munshi.rate_limits.gate import QuotaGate
from munshi.settings import BrokerMode
from quotas import open_gate, set_api, set_limit, smallest_span

MORNING = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
BEFORE_MIDNIGHT_IST = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
SLACK = 0.03


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MORNING)


@pytest.fixture
def gate(database: Database, clock: FakeClock) -> Iterator[QuotaGate]:
    with closing(open_gate(database, clock)) as opened:
        yield opened


def ask(
    gate: QuotaGate,
    clock: FakeClock,
    name: str = "kite.historical",
    *,
    lasting: float = 0.0,
    priority: Priority = Priority.URGENT,
) -> float:
    """Make one call; how long it had to wait."""
    before = clock.monotonic()
    with gate.permit(name, priority=priority):
        waited = clock.monotonic() - before
        clock.advance(timedelta(seconds=lasting))
    return waited


def refuse(gate: QuotaGate, name: str, retry_after: float) -> None:
    with pytest.raises(BrokerThrottledError), gate.permit(name):
        raise BrokerThrottledError("Too many requests.", retry_after=retry_after)


def test_requests_within_the_limit_do_not_wait(gate: QuotaGate, clock: FakeClock) -> None:
    assert [ask(gate, clock) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_the_request_after_the_limit_waits_for_the_window_to_pass(
    gate: QuotaGate, clock: FakeClock
) -> None:
    for _ in range(3):
        ask(gate, clock)

    assert ask(gate, clock) == pytest.approx(1.0, abs=SLACK)


def test_a_slow_reply_keeps_its_slot_until_a_window_after_it_came(
    gate: QuotaGate, clock: FakeClock
) -> None:
    ask(gate, clock, "kite.quote", lasting=5.0)

    assert ask(gate, clock, "kite.quote") == pytest.approx(1.0, abs=SLACK)


def test_a_failed_request_gives_its_slot_back(gate: QuotaGate, clock: FakeClock) -> None:
    with pytest.raises(BrokerUnavailableError), gate.permit("kite.quote"):
        raise BrokerUnavailableError("down")

    assert ask(gate, clock, "kite.quote") == pytest.approx(1.0, abs=SLACK)


def test_another_process_waits_for_the_slots_that_this_one_uses(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    for _ in range(2):
        ask(gate, clock)

    with closing(open_gate(database, clock)) as other:
        waits = [ask(other, clock) for _ in range(2)]

    assert waits[0] == 0.0
    assert 1.0 <= waits[1] <= 1.0 + SLACK


def test_what_was_used_is_still_used_after_a_restart(database: Database, clock: FakeClock) -> None:
    with closing(open_gate(database, clock)) as before:
        ask(before, clock, "kite.quote")

    with closing(open_gate(database, clock)) as after:
        assert ask(after, clock, "kite.quote") == pytest.approx(1.0, abs=SLACK)


def test_a_call_that_lasts_for_minutes_keeps_its_slot(database: Database) -> None:
    clock = FakeClock(MORNING)
    with (
        closing(open_gate(database, clock)) as gate,
        closing(open_gate(database, clock)) as other,
        gate.permit("kite.quote"),
    ):
        for _ in range(10):
            clock.advance(timedelta(seconds=6))
            time.sleep(0.2)  # the keeper's thread looks around many times

        with pytest.raises(RequestAbandonedError):
            enter(other, "kite.quote", clock, patience=0.9)


def enter(gate: QuotaGate, name: str, clock: FakeClock, *, patience: float) -> None:
    until = clock.monotonic() + patience
    with gate.permit(name, should_stop=lambda: clock.monotonic() >= until):
        pytest.fail("the permit was given")


def test_a_refusal_for_haste_closes_its_class_for_everybody_and_no_other_class(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    with closing(open_gate(database, clock)) as other:
        ask(other, clock)
        refuse(gate, "kite.historical", 30.0)

        assert ask(gate, clock, "kite.quote") == 0.0
        assert ask(other, clock) == pytest.approx(30.0, abs=0.1)


def test_a_refusal_raises_one_alert_which_the_next_success_resolves(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    refuse(gate, "kite.historical", 30.0)
    with database.reading() as tx:
        [alert] = tx.alerts.list_open_alerts()

    ask(gate, clock)

    with database.reading() as tx:
        assert tx.alerts.list_open_alerts() == []
    assert alert.severity is Severity.WARNING
    assert alert.subject == "kite.historical"
    assert "Nobody calls before 20 Nov 2026 10:30:30 IST" in alert.title


def test_a_shorter_closure_does_not_shorten_a_longer_one(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    with closing(open_gate(database, clock)) as other:
        with pytest.raises(BrokerThrottledError, match="me too"), gate.permit("kite.historical"):
            refuse_later_and_shorter(other)

        assert ask(other, clock) == pytest.approx(40.0, abs=0.1)


def refuse_later_and_shorter(other: QuotaGate) -> None:
    refuse(other, "kite.historical", 40.0)
    raise BrokerThrottledError("me too", retry_after=5.0)


def test_a_class_closed_for_hours_refuses_at_once(gate: QuotaGate, clock: FakeClock) -> None:
    refuse(gate, "kite.historical", 7200.0)
    before = clock.monotonic()

    with pytest.raises(BrokerThrottledError) as refusal:
        ask(gate, clock)

    assert refusal.value.retry_after == pytest.approx(7200.0, abs=0.1)
    assert clock.monotonic() == before


def test_the_day_is_counted_from_midnight_ist_by_all_together(
    database: Database, clock: FakeClock
) -> None:
    clock.set(BEFORE_MIDNIGHT_IST)
    set_limit(database, clock, "breeze.api", {"requests": 10, "seconds": 1, "daily": 2})
    with closing(open_gate(database, clock)) as one, closing(open_gate(database, clock)) as other:
        ask(one, clock, "breeze.api")
        ask(other, clock, "breeze.api")

        with pytest.raises(BrokerThrottledError, match="00:00 IST") as refusal:
            ask(one, clock, "breeze.api")
        clock.advance(timedelta(seconds=refusal.value.retry_after))
        waited = ask(other, clock, "breeze.api")

    assert refusal.value.retry_after == pytest.approx(30 * 60)
    assert waited == pytest.approx(2.0, abs=0.1)  # the broker's midnight may be a moment off


def test_a_call_over_midnight_counts_on_both_days(database: Database) -> None:
    clock = FakeClock(BEFORE_MIDNIGHT_IST + timedelta(minutes=29, seconds=57))
    set_limit(database, clock, "breeze.api", {"requests": 10, "seconds": 1, "daily": 2})
    with closing(open_gate(database, clock)) as gate:
        ask(gate, clock, "breeze.api", lasting=9.0)
        ask(gate, clock, "breeze.api")

        with pytest.raises(BrokerThrottledError, match="Today's 2 requests"):
            ask(gate, clock, "breeze.api")


def test_an_order_needs_room_in_every_limit_at_once(database: Database, clock: FakeClock) -> None:
    set_limit(database, clock, "breeze.api", {"requests": 2, "seconds": 60, "daily": 3})
    with closing(open_gate(database, clock)) as gate:
        first = [ask(gate, clock, "breeze.order") for _ in range(2)]
        third = ask(gate, clock, "breeze.order")
        with pytest.raises(BrokerThrottledError, match="Today's 3 requests"):
            ask(gate, clock, "breeze.order")
        statuses = {name: counts(database, name, clock) for name in ("breeze.order", "breeze.api")}

    assert first == [0.0, 0.0]
    assert third == pytest.approx(60.0, abs=0.1)
    # A wait for the one took nothing of the other.
    assert statuses == {"breeze.order": 1, "breeze.api": 1}


def counts(database: Database, name: str, clock: FakeClock) -> int:
    with database.reading() as tx:
        pools = tx.rate_pools.list_pools(mode=BrokerMode.SIMULATED)
        taken = tx.rate_pools.count_taken(mode=BrokerMode.SIMULATED, now=clock.now())
    [pool] = [pool for pool in pools if pool.name == name]
    return taken[pool.pool_id][0]


def test_downloads_leave_a_share_to_those_who_wait(database: Database, clock: FakeClock) -> None:
    set_api(database, clock, {"limit.breeze.api": {"requests": 10, "seconds": 60}})
    set_api(database, clock, {"kept_share": 20})
    with closing(open_gate(database, clock)) as gate:
        bulk = [ask(gate, clock, "breeze.api", priority=Priority.BULK) for _ in range(8)]
        urgent = [ask(gate, clock, "breeze.api") for _ in range(2)]
        late = ask(gate, clock, "breeze.api", priority=Priority.BULK)

    assert bulk + urgent == [0.0] * 10
    assert late == pytest.approx(60.0, abs=0.1)


def test_downloads_leave_the_trading_days_reserve_until_the_market_closes(
    database: Database, clock: FakeClock
) -> None:
    closes = MORNING + timedelta(hours=5)
    set_api(database, clock, {"trading_day_reserve": 50})
    set_limit(database, clock, "breeze.api", {"requests": 10, "seconds": 1, "daily": 4})
    with closing(open_gate(database, clock, kept_until=lambda _: closes)) as gate:
        for _ in range(2):
            ask(gate, clock, "breeze.api", priority=Priority.BULK)
        with pytest.raises(BrokerThrottledError, match="kept for the trading day") as refusal:
            ask(gate, clock, "breeze.api", priority=Priority.BULK)
        ask(gate, clock, "breeze.api")
        clock.advance(timedelta(seconds=refusal.value.retry_after))
        after_close = ask(gate, clock, "breeze.api", priority=Priority.BULK)

    assert refusal.value.retry_after == pytest.approx(5 * 3600, abs=1)
    assert after_close == 0.0


def test_a_changed_limit_holds_within_a_second(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    ask(gate, clock, "kite.quote")

    set_limit(database, clock, "kite.quote", {"requests": 4, "seconds": 1})
    clock.advance(timedelta(seconds=2))
    waits = [ask(gate, clock, "kite.quote") for _ in range(4)]

    assert waits[1:] == [0.0, 0.0, 0.0]


def test_a_lowered_limit_waits_out_what_was_called_under_the_old_one(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    for _ in range(3):
        ask(gate, clock)

    set_limit(database, clock, "kite.historical", {"requests": 1, "seconds": 5})
    clock.advance(timedelta(seconds=1))
    waits = [ask(gate, clock) for _ in range(2)]

    assert waits[0] >= 5.0
    assert waits[1] == pytest.approx(5.0, abs=SLACK)


def test_a_dated_limit_holds_from_its_day_on(database: Database, clock: FakeClock) -> None:
    clock.set(BEFORE_MIDNIGHT_IST)
    now, later = {"requests": 2, "seconds": 1}, {"requests": 1, "seconds": 1}
    set_limit(database, clock, "kite.historical", [now, {**later, "since": "2026-11-21"}])
    with closing(open_gate(database, clock)) as gate:
        today = [ask(gate, clock) for _ in range(2)]
        clock.advance(timedelta(hours=1))
        tomorrow = [ask(gate, clock) for _ in range(2)]

    assert today == [0.0, 0.0]
    assert tomorrow[1] == pytest.approx(1.0, abs=SLACK)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_when_the_machines_clock_is_set_everybody_waits_a_window(
    sqlite_database: Database, step: timedelta
) -> None:
    clock = FakeClock(MORNING)
    with closing(open_gate(sqlite_database, clock)) as gate:
        for _ in range(3):
            ask(gate, clock)

        clock.set(clock.now() + step)

        assert ask(gate, clock) == pytest.approx(1.0, abs=SLACK)


def test_a_wait_ends_when_whoever_asked_is_to_stop(gate: QuotaGate, clock: FakeClock) -> None:
    for _ in range(2):
        ask(gate, clock, "breeze.master")
    stop_at = clock.monotonic() + 5.0

    with pytest.raises(RequestAbandonedError):
        enter(gate, "breeze.master", clock, patience=5.0)

    assert clock.monotonic() - stop_at < 1.0


def test_an_abandoned_wait_takes_no_slot(gate: QuotaGate, clock: FakeClock) -> None:
    with pytest.raises(RequestAbandonedError):
        enter(gate, "kite.quote", clock, patience=0.0)

    assert ask(gate, clock, "kite.quote") == 0.0


def test_no_transaction_is_open_while_a_call_waits(
    database: Database, gate: QuotaGate, clock: FakeClock
) -> None:
    ask(gate, clock, "breeze.master")
    ask(gate, clock, "breeze.master")
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        with database.transaction() as tx:  # would wait for ever, or be refused as nested
            tx.rate_pools.close_pool(-1, until=clock.now(), now=clock.now())
        return looks > 20

    with pytest.raises(RequestAbandonedError), gate.permit("breeze.master", should_stop=look):
        pytest.fail("the permit was given")

    assert looks > 20


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(
        st.tuples(
            st.floats(min_value=0.0, max_value=2.0),
            st.floats(min_value=0.0, max_value=2.0),
            st.floats(min_value=0.0, max_value=1.0),
            st.booleans(),
        ),
        min_size=4,
        max_size=30,
    )
)
def test_wherever_requests_arrive_no_window_holds_more_than_the_limit(
    sqlite_database: Database, calls: list[tuple[float, float, float, bool]]
) -> None:
    clock = FakeClock(MORNING + timedelta(minutes=random.randrange(60)))  # noqa: S311
    arrivals: list[float] = []

    with (
        closing(open_gate(sqlite_database, clock)) as one,
        closing(open_gate(sqlite_database, clock)) as other,
    ):
        clock.advance(timedelta(hours=1))
        for pause, lasting, share, is_first in calls:
            clock.advance(timedelta(seconds=pause))
            with (one if is_first else other).permit("kite.historical"):
                arrivals.append(clock.monotonic() + lasting * share)
                clock.advance(timedelta(seconds=lasting))

    assert smallest_span(arrivals, of=4) >= 1.0 - 1e-5


def test_threads_together_keep_the_limit_however_their_requests_bunch(database: Database) -> None:
    set_limit(database, SystemClock(), "kite.historical", {"requests": 6, "seconds": 1})
    arrivals: list[float] = []
    luck = random.Random(7)  # noqa: S311 - bunching, not secrecy

    def work(permit: Callable[[str], AbstractContextManager[None]]) -> None:
        for _ in range(4):
            with permit("kite.historical"):
                time.sleep(luck.uniform(0.0, 0.05))
                arrivals.append(time.monotonic())
                time.sleep(luck.uniform(0.0, 0.02))

    with closing(open_gate(database, SystemClock())) as gate:
        threads = [threading.Thread(target=work, args=(gate.permit,)) for _ in range(6)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(arrivals) == 24
    assert smallest_span(sorted(arrivals), of=7) >= 1.0
    assert time.monotonic() - began < 6.0


def test_who_waited_longer_is_served_first(database: Database) -> None:
    served: list[int] = []

    def work(gate: QuotaGate, number: int) -> None:
        with gate.permit("kite.quote"):
            served.append(number)

    with closing(open_gate(database, SystemClock())) as gate:
        with gate.permit("kite.quote"):
            threads = [threading.Thread(target=work, args=(gate, number)) for number in range(3)]
            for thread in threads:
                thread.start()
                time.sleep(0.15)
        for thread in threads:
            thread.join()

    assert served == [0, 1, 2]


def test_a_lost_connection_costs_no_call(postgresql_database: Database, clock: FakeClock) -> None:
    with closing(open_gate(postgresql_database, clock)) as gate:
        ask(gate, clock)
        with postgresql_database.transaction() as tx:
            tx.connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

        assert ask(gate, clock) == 0.0


def test_our_limits_are_those_the_brokers_publish() -> None:
    published = {
        (limit.service, limit.bucket, limit.window_seconds): limit.allowed
        for limit in rate_limits.DOCUMENTED_LIMITS
    }

    ours = {
        (service, bucket, int(limit.seconds)): limit.requests
        for name, limit in DOCUMENTED_LIMITS.items()
        for service, bucket in [name.split(".")]
        if bucket in {"quote", "historical", "other", "api"}
    }
    daily = {("breeze", "api", rate_limits.DAY_SECONDS): DOCUMENTED_LIMITS["breeze.api"].daily}

    assert ours | daily == published
