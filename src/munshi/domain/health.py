"""How the desk's components do: what a check finds, a sample of it, and an hour in short."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class HealthStatus(StrEnum):
    """The words of health+json, and one for what cannot be judged: nothing is used yet."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


_GRAVITY = {
    HealthStatus.UNKNOWN: 0,
    HealthStatus.PASS: 0,
    HealthStatus.WARN: 1,
    HealthStatus.FAIL: 2,
}


def worst(statuses: Iterable[HealthStatus]) -> HealthStatus:
    """Of all together; what is unknown harms nobody."""
    gravest = max((_GRAVITY[status] for status in statuses), default=0)
    return (HealthStatus.PASS, HealthStatus.WARN, HealthStatus.FAIL)[gravest]


def graded(value: float, *, warn: float, fail: float) -> HealthStatus:
    """From `warn` on a warning, from `fail` on a failure."""
    if value >= fail:
        return HealthStatus.FAIL
    return HealthStatus.WARN if value >= warn else HealthStatus.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `message` is a sentence for people who may look inside.

    `value` in `unit` is the number that was judged, if there is one; `facts` say more.
    """

    status: HealthStatus
    message: str
    value: float | None = None
    unit: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSample:
    """One row of SystemHealth. `error_count` is how often in a row the component has failed.

    `last_error` is kept when the component is well again, with its time.
    """

    component: str
    finding: Finding
    response_time_ms: float | None
    error_count: int
    checked_at: datetime
    last_error: str | None
    last_error_at: datetime | None

    @property
    def status(self) -> HealthStatus:
        return self.finding.status

    @property
    def is_failing(self) -> bool:
        return self.finding.status is HealthStatus.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthHour:
    """One row of SystemHealthHourly: the samples from `hour` up to the next one."""

    component: str
    hour: datetime
    samples: int
    failures: int
    least_ms: float | None
    mean_ms: float | None
    most_ms: float | None
    last_error: str | None


def hour_of(samples: Sequence[HealthSample]) -> HealthHour:
    """The hour in short; all `samples` are of one component and one hour, oldest first."""
    times = [each.response_time_ms for each in samples if each.response_time_ms is not None]
    errors = [each.last_error for each in samples if each.is_failing]
    return HealthHour(
        component=samples[0].component,
        hour=samples[0].checked_at.replace(minute=0, second=0, microsecond=0),
        samples=len(samples),
        failures=len(errors),
        least_ms=min(times, default=None),
        mean_ms=sum(times) / len(times) if times else None,
        most_ms=max(times, default=None),
        last_error=errors[-1] if errors else None,
    )
