"""A health report as `application/health+json` (draft-inadarei-api-health-check-06)."""

from datetime import datetime

from munshi.api.answers import JsonAnswer, Shown
from munshi.domain.health import HealthSample, HealthStatus
from munshi.health.checks import MEASURES
from munshi.health.service import HealthReport
from munshi.settings import BrokerMode

_COMPONENT_TYPES = {"database": "datastore", "disk": "system", "clock": "system"}


class CheckShown(Shown):
    """One check, in the draft's words; `errorCount`, `lastError` and what follows are ours.

    What cannot be judged has no status. `output` and `lastError` are for those who may look
    inside.
    """

    componentType: str  # noqa: N815
    observedValue: float | None = None  # noqa: N815
    observedUnit: str | None = None  # noqa: N815
    status: HealthStatus | None = None
    time: datetime
    output: str | None = None
    errorCount: int = 0  # noqa: N815
    lastError: str | None = None  # noqa: N815
    lastErrorTime: datetime | None = None  # noqa: N815


class HealthAnswer(Shown):
    """The draft's document; `mode` is ours."""

    status: HealthStatus
    version: str
    releaseId: str  # noqa: N815
    serviceId: str = "munshi"  # noqa: N815
    description: str = "How the parts of the desk do"
    mode: BrokerMode
    checks: dict[str, list[CheckShown]]


class HealthJson(JsonAnswer):
    media_type = "application/health+json"


def describe(report: HealthReport, *, mode: BrokerMode, release: str, tell: bool) -> HealthAnswer:
    """The report; without `tell`, words that may name a place or a person are left out."""
    return HealthAnswer(
        status=report.status,
        version=release.partition(".")[0],
        releaseId=release,
        mode=mode,
        checks={_name(sample): [_check(sample, tell=tell)] for sample in report.samples},
    )


def _name(sample: HealthSample) -> str:
    return f"{sample.component}:{MEASURES.get(sample.component, 'age')}"


def _check(sample: HealthSample, *, tell: bool) -> CheckShown:
    found = sample.finding
    return CheckShown(
        componentType=_COMPONENT_TYPES.get(sample.component, "component"),
        observedValue=found.value,
        observedUnit=found.unit,
        status=None if found.status is HealthStatus.UNKNOWN else found.status,
        time=sample.checked_at,
        output=found.message if tell else None,
        errorCount=sample.error_count,
        lastError=sample.last_error if tell else None,
        lastErrorTime=sample.last_error_at,
    )
