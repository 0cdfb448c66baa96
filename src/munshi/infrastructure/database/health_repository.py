"""SQL for SystemHealth and SystemHealthHourly."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.health import Finding, HealthHour, HealthSample, HealthStatus
from munshi.infrastructure.database.models import system_health, system_health_hourly

_rows = system_health.c
_hours = system_health_hourly.c
_INSERT = insert(system_health)
# A sweep writes every component under one instant.
_LATEST = (
    select(system_health)
    .where(_rows.checked_at == select(func.max(_rows.checked_at)).scalar_subquery())
    .order_by(_rows.id)
)
_OF_COMPONENT = (
    select(system_health)
    .where(_rows.component == bindparam("of_component"))
    .order_by(_rows.checked_at.desc())
    .limit(bindparam("most"))
)
_BETWEEN = (
    select(system_health)
    .where(_rows.checked_at >= bindparam("start"), _rows.checked_at < bindparam("end"))
    .order_by(_rows.checked_at, _rows.id)
)
_FIRST = select(func.min(_rows.checked_at))
_LAST_HOUR = select(func.max(_hours.hour))
_HOURS_OF_COMPONENT = (
    select(system_health_hourly)
    .where(_hours.component == bindparam("of_component"))
    .order_by(_hours.hour.desc())
    .limit(bindparam("most"))
)
_INSERT_HOUR = insert(system_health_hourly)
_UPDATE_HOUR = (
    update(system_health_hourly)
    .where(and_(_hours.component == bindparam("of_component"), _hours.hour == bindparam("of_hour")))
    .values(
        samples=bindparam("samples"),
        failures=bindparam("failures"),
        least_ms=bindparam("least_ms"),
        mean_ms=bindparam("mean_ms"),
        most_ms=bindparam("most_ms"),
        last_error=bindparam("last_error"),
    )
)
_FORGET_SAMPLES = delete(system_health).where(_rows.checked_at < bindparam("before"))
_FORGET_HOURS = delete(system_health_hourly).where(_hours.hour < bindparam("before"))


class HealthRepository:
    """Samples as they were taken, and their hours."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save_samples(self, samples: Iterable[HealthSample]) -> None:
        """Store one sweep: every component, under one instant."""
        self._connection.execute(_INSERT, [_values(each) for each in samples])

    def list_latest(self) -> list[HealthSample]:
        """The last sweep, in the order of its checks."""
        return [_sample(row) for row in self._connection.execute(_LATEST)]

    def list_samples(self, component: str, *, limit: int) -> list[HealthSample]:
        """Newest first."""
        chosen = {"of_component": component, "most": limit}
        return [_sample(row) for row in self._connection.execute(_OF_COMPONENT, chosen)]

    def list_between(self, start: datetime, end: datetime) -> list[HealthSample]:
        """Samples taken from `start` up to, not including, `end`; oldest first."""
        rows = self._connection.execute(_BETWEEN, {"start": start, "end": end})
        return [_sample(row) for row in rows]

    def get_first_sample_at(self) -> datetime | None:
        found: datetime | None = self._connection.execute(_FIRST).scalar()
        return found

    def get_last_hour(self) -> datetime | None:
        """The newest hour that was rolled up."""
        found: datetime | None = self._connection.execute(_LAST_HOUR).scalar()
        return found

    def save_hour(self, hour: HealthHour) -> None:
        """Store an hour, in place of what was known of it before."""
        values = asdict(hour)
        if self._update(values):
            return
        try:
            with self._connection.begin_nested():
                self._connection.execute(_INSERT_HOUR, values)
        except IntegrityError:
            if not self._update(values):  # another sweep stored it at this moment
                raise

    def _update(self, values: Mapping[str, Any]) -> bool:
        chosen = {"of_component": values["component"], "of_hour": values["hour"]}
        rest = {name: values[name] for name in values.keys() - {"component", "hour"}}
        return self._connection.execute(_UPDATE_HOUR, chosen | rest).rowcount > 0

    def list_hours(self, component: str, *, limit: int) -> list[HealthHour]:
        """Newest first."""
        chosen = {"of_component": component, "most": limit}
        rows = self._connection.execute(_HOURS_OF_COMPONENT, chosen)
        return [HealthHour(**row._mapping) for row in rows]  # noqa: SLF001 - its public name

    def cleanup_samples(self, before: datetime) -> int:
        return self._connection.execute(_FORGET_SAMPLES, {"before": before}).rowcount

    def cleanup_hours(self, before: datetime) -> int:
        return self._connection.execute(_FORGET_HOURS, {"before": before}).rowcount


def _values(sample: HealthSample) -> Mapping[str, Any]:
    found = sample.finding
    return {
        "component": sample.component,
        "status": found.status,
        "response_time_ms": sample.response_time_ms,
        "error_count": sample.error_count,
        "checked_at": sample.checked_at,
        "details": {
            "message": found.message,
            "value": found.value,
            "unit": found.unit,
            "facts": found.facts,
        },
        "last_error": sample.last_error,
        "last_error_at": sample.last_error_at,
    }


def _sample(row: Row[Any]) -> HealthSample:
    details = row.details or {}
    return HealthSample(
        component=row.component,
        finding=Finding(
            status=HealthStatus(row.status),
            message=details.get("message", ""),
            value=details.get("value"),
            unit=details.get("unit"),
            facts=details.get("facts") or {},
        ),
        response_time_ms=row.response_time_ms,
        error_count=row.error_count,
        checked_at=row.checked_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
    )
