"""What statuses add up to, and an hour in short."""

from datetime import UTC, datetime, timedelta

import pytest

from munshi.domain.health import (
    Finding,
    HealthSample,
    HealthStatus,
    graded,
    hour_of,
    worst,
)

PASS, WARN, FAIL, UNKNOWN = (
    HealthStatus.PASS,
    HealthStatus.WARN,
    HealthStatus.FAIL,
    HealthStatus.UNKNOWN,
)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "together"),
    [
        ([], PASS),
        ([UNKNOWN, UNKNOWN], PASS),
        ([PASS, UNKNOWN], PASS),
        ([WARN, PASS], WARN),
        ([WARN, FAIL, PASS], FAIL),
    ],
)
def test_all_together_are_as_well_as_the_worst(
    statuses: list[HealthStatus], together: HealthStatus
) -> None:
    assert worst(statuses) is together


@pytest.mark.parametrize(
    ("value", "status"), [(0, PASS), (9.9, PASS), (10, WARN), (19.9, WARN), (20, FAIL)]
)
def test_a_number_is_judged_from_its_limits_on(value: float, status: HealthStatus) -> None:
    assert graded(value, warn=10, fail=20) is status


def sample(minute: int, status: HealthStatus, ms: float | None) -> HealthSample:
    return HealthSample(
        component="disk",
        finding=Finding(status=status, message="."),
        response_time_ms=ms,
        error_count=0,
        checked_at=NOON + timedelta(minutes=minute, seconds=7),
        last_error=f"at {minute}",
        last_error_at=None,
    )


def test_an_hour_counts_failures_and_measures_what_was_measured() -> None:
    hour = hour_of([sample(5, FAIL, 2.0), sample(10, FAIL, None), sample(59, PASS, 4.0)])

    assert (hour.component, hour.hour) == ("disk", NOON)
    assert (hour.samples, hour.failures, hour.last_error) == (3, 2, "at 10")
    assert (hour.least_ms, hour.mean_ms, hour.most_ms) == (2.0, 3.0, 4.0)


def test_an_hour_in_which_nothing_was_measured_or_failed_says_so() -> None:
    hour = hour_of([sample(0, WARN, None)])

    assert (hour.failures, hour.last_error) == (0, None)
    assert (hour.least_ms, hour.mean_ms, hour.most_ms) == (None, None, None)
