"""The pacer against a clock that tests move, and against real threads."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clocks import FakeClock
from munshi.clock import SystemClock
from munshi.errors import BrokerThrottledError, BrokerUnavailableError, RequestAbandonedError
from munshi.infrastructure.brokers.pacing import DOCUMENTED_LIMITS, Limit, Pacer
from munshi.infrastructure.brokers.simulator import rate_limits

MORNING = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


@contextmanager
def measured(clock: FakeClock) -> Iterator[list[float]]:
    """Collects how long the block took on `clock`."""
    took: list[float] = []
    before = clock.monotonic()
    yield took
    took.append(clock.monotonic() - before)


def ask(pacer: Pacer, clock: FakeClock, *, lasting: float = 0.0) -> None:
    with pacer.permit("some"):
        clock.advance(timedelta(seconds=lasting))


def test_requests_within_the_limit_do_not_wait() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=3, seconds=1.0)}, clock=clock)

    with measured(clock) as took:
        for _ in range(3):
            ask(pacer, clock)

    assert took == [0.0]


def test_the_request_after_the_limit_waits_for_the_window_to_pass() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=3, seconds=1.0)}, clock=clock)
    for _ in range(3):
        ask(pacer, clock)

    with measured(clock) as took:
        ask(pacer, clock)

    assert took == [pytest.approx(1.0, abs=0.03)]


def test_a_slow_reply_keeps_its_slot_until_a_window_after_it_came() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=1, seconds=1.0)}, clock=clock)
    ask(pacer, clock, lasting=5.0)

    with measured(clock) as took:
        ask(pacer, clock)

    assert took == [pytest.approx(1.0, abs=0.03)]


def test_a_failed_request_gives_its_slot_back() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=1, seconds=1.0)}, clock=clock)
    with pytest.raises(BrokerUnavailableError), pacer.permit("some"):
        raise BrokerUnavailableError("down")

    with measured(clock) as took:
        ask(pacer, clock)

    assert took == [pytest.approx(1.0, abs=0.03)]


def test_a_refusal_for_haste_closes_its_class_and_no_other() -> None:
    clock = FakeClock(MORNING)
    limit = Limit(requests=5, seconds=1.0)
    pacer = Pacer({"some": limit, "other": limit}, clock=clock)
    with pytest.raises(BrokerThrottledError), pacer.permit("some"):
        raise BrokerThrottledError("too many", retry_after=30.0)

    with measured(clock) as other_took, pacer.permit("other"):
        pass
    with measured(clock) as some_took:
        ask(pacer, clock)

    assert other_took == [0.0]
    assert some_took == [pytest.approx(30.0, abs=0.01)]


def test_a_shorter_closure_does_not_shorten_a_longer_one() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=5, seconds=1.0)}, clock=clock)
    pacer.close_until("some", 40.0)
    pacer.close_until("some", 5.0)

    with measured(clock) as took:
        ask(pacer, clock)

    assert took == [pytest.approx(40.0, abs=0.01)]


def test_a_class_closed_for_hours_refuses_at_once() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=5, seconds=1.0)}, clock=clock)
    pacer.close_until("some", 7200.0)

    with measured(clock) as took, pytest.raises(BrokerThrottledError) as refusal:
        ask(pacer, clock)

    assert refusal.value.retry_after == pytest.approx(7200.0)
    assert took == [0.0]


def test_the_day_is_counted_from_midnight_ist() -> None:
    clock = FakeClock(datetime(2026, 11, 20, 18, 0, tzinfo=UTC))
    pacer = Pacer({"some": Limit(requests=10, seconds=1.0, daily=2)}, clock=clock)
    ask(pacer, clock)
    ask(pacer, clock)

    with pytest.raises(BrokerThrottledError, match="00:00 IST") as refusal:
        ask(pacer, clock)
    clock.advance(timedelta(seconds=refusal.value.retry_after))
    with measured(clock) as took:
        ask(pacer, clock)

    assert refusal.value.retry_after == pytest.approx(30 * 60)
    assert took == [0.0]


def test_a_wait_ends_when_whoever_asked_is_to_stop() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=1, seconds=60.0)}, clock=clock)
    ask(pacer, clock)
    stop_at = clock.monotonic() + 5.0

    with (
        pytest.raises(RequestAbandonedError),
        pacer.permit("some", should_stop=lambda: clock.monotonic() >= stop_at),
    ):
        pytest.fail("the permit was given")

    assert clock.monotonic() - stop_at < 1.0


def test_an_abandoned_wait_takes_no_slot() -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=1, seconds=1.0)}, clock=clock)
    with pytest.raises(RequestAbandonedError), pacer.permit("some", should_stop=lambda: True):
        pytest.fail("the permit was given")

    with measured(clock) as took:
        ask(pacer, clock)

    assert took == [0.0]


@given(
    calls=st.lists(
        st.tuples(
            st.floats(min_value=0.0, max_value=2.0),
            st.floats(min_value=0.0, max_value=2.0),
            st.floats(min_value=0.0, max_value=1.0),
        ),
        min_size=4,
        max_size=30,
    )
)
def test_wherever_requests_arrive_no_window_holds_more_than_the_limit(
    calls: list[tuple[float, float, float]],
) -> None:
    clock = FakeClock(MORNING)
    pacer = Pacer({"some": Limit(requests=3, seconds=1.0)}, clock=clock)
    arrivals: list[float] = []

    for pause, lasting, share in calls:
        clock.advance(timedelta(seconds=pause))
        with pacer.permit("some"):
            arrivals.append(clock.monotonic() + lasting * share)
            clock.advance(timedelta(seconds=lasting))

    assert smallest_span(arrivals, of=4) >= 1.0 - 1e-5


def test_threads_together_keep_the_limit_however_their_requests_bunch() -> None:
    window = 0.15
    pacer = Pacer({"some": Limit(requests=3, seconds=window)}, clock=SystemClock())
    arrivals: list[float] = []
    luck = random.Random(7)  # noqa: S311 - bunching, not secrecy

    def worker() -> None:
        for _ in range(3):
            with pacer.permit("some"):
                time.sleep(luck.uniform(0.0, 0.05))
                arrivals.append(time.monotonic())
                time.sleep(luck.uniform(0.0, 0.02))

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(arrivals) == 18
    assert smallest_span(sorted(arrivals), of=4) >= window


def smallest_span(arrivals: list[float], *, of: int) -> float:
    """The shortest time in which `of` successive arrivals fell."""
    spans = [late - early for early, late in zip(arrivals, arrivals[of - 1 :], strict=False)]
    return min(spans, default=float("inf"))


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
