"""Samples and hours on both databases."""

import threading
from dataclasses import replace
from datetime import timedelta

from clocks import FakeClock
from munshi.domain.health import Finding, HealthHour, HealthSample, HealthStatus
from munshi.infrastructure.database.engine import Database


def sample(component: str, clock: FakeClock, *, error_count: int = 0) -> HealthSample:
    return HealthSample(
        component=component,
        finding=Finding(
            status=HealthStatus.WARN,
            message="Low: 3 MB — of 9.",
            value=3.5,
            unit="MB",
            facts={"total": 9, "by": {"queue": None}},
        ),
        response_time_ms=1.25,
        error_count=error_count,
        checked_at=clock.now(),
        last_error="It was full.",
        last_error_at=clock.now() - timedelta(days=1),
    )


def hour(clock: FakeClock, *, failures: int = 0) -> HealthHour:
    return HealthHour(
        component="disk",
        hour=clock.now().replace(minute=0),
        samples=12,
        failures=failures,
        least_ms=0.5,
        mean_ms=None,
        most_ms=2.5,
        last_error="It was full.",
    )


def save(database: Database, *samples: HealthSample) -> None:
    with database.operational() as tx:
        tx.health.save_samples(samples)


def test_a_sample_comes_back_as_it_was_taken(database: Database, clock: FakeClock) -> None:
    taken = [sample("disk", clock), sample("database", clock, error_count=2)]
    save(database, *taken)

    with database.reading() as tx:
        assert tx.health.list_latest() == taken
        assert tx.health.list_samples("database", limit=9) == taken[1:]


def test_the_latest_are_those_of_the_last_sweep(database: Database, clock: FakeClock) -> None:
    save(database, sample("disk", clock), sample("removed_since", clock))
    clock.advance(timedelta(minutes=5))
    save(database, sample("disk", clock, error_count=1))

    with database.reading() as tx:
        latest = tx.health.list_latest()
        past = tx.health.list_samples("disk", limit=1)
        before = tx.health.list_between(clock.now() - timedelta(minutes=5), clock.now())

    assert [each.component for each in latest] == ["disk"]
    assert [each.error_count for each in past] == [1]
    assert [each.component for each in before] == ["disk", "removed_since"]


def test_an_empty_table_has_neither_first_sample_nor_last_hour(database: Database) -> None:
    with database.reading() as tx:
        assert tx.health.get_first_sample_at() is None
        assert tx.health.get_last_hour() is None
        assert tx.health.list_latest() == []


def test_an_hour_is_kept_once_as_it_was_written_last(database: Database, clock: FakeClock) -> None:
    for failures in (0, 3):
        with database.operational() as tx:
            tx.health.save_hour(hour(clock, failures=failures))

    with database.reading() as tx:
        assert tx.health.list_hours("disk", limit=9) == [hour(clock, failures=3)]
        assert tx.health.get_last_hour() == hour(clock).hour


def test_two_sweeps_may_write_the_same_hour_at_once(database: Database, clock: FakeClock) -> None:
    start = threading.Barrier(4, timeout=10)

    def write(failures: int) -> None:
        start.wait()
        with database.operational() as tx:
            tx.health.save_hour(hour(clock, failures=failures))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=30)

    with database.reading() as tx:
        [kept] = tx.health.list_hours("disk", limit=9)
    assert kept in [hour(clock, failures=number) for number in range(4)]


def test_what_is_older_is_forgotten(database: Database, clock: FakeClock) -> None:
    save(database, sample("disk", clock))
    with database.operational() as tx:
        tx.health.save_hour(hour(clock))
        tx.health.save_hour(replace(hour(clock), hour=hour(clock).hour - timedelta(hours=1)))

    with database.operational() as tx:
        assert tx.health.cleanup_samples(clock.now()) == 0
        assert tx.health.cleanup_samples(clock.now() + timedelta(seconds=1)) == 1
        assert tx.health.cleanup_hours(hour(clock).hour) == 1
