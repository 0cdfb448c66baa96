"""Whether the process lives, whether it can work, and how every part of the desk does."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import JsonAnswer, Shown
from munshi.api.health_json import HealthAnswer, HealthJson, describe
from munshi.api.roles import Role, allows, facts_of
from munshi.bootstrap import Services
from munshi.domain.health import HealthSample, HealthStatus
from munshi.health.readiness import Readiness
from munshi.settings import BrokerMode

_Limit = Annotated[int, Query(ge=1, le=1000)]


class LiveAnswer(Shown):
    status: str


class ReadyAnswer(Shown):
    status: str
    mode: BrokerMode
    database: str


class SampleShown(Shown):
    checked_at: datetime
    status: HealthStatus
    message: str
    value: float | None
    unit: str | None
    response_time_ms: float | None
    error_count: int
    facts: Mapping[str, Any]


class HourShown(Shown):
    hour: datetime
    samples: int
    failures: int
    least_ms: float | None
    mean_ms: float | None
    most_ms: float | None
    last_error: str | None


class HistoryAnswer(Shown):
    """Both lists newest first; `hours` begin where they say."""

    component: str
    samples: list[SampleShown] = Field(default_factory=list)
    hours: list[HourShown] = Field(default_factory=list)


class HealthRoutes:
    """What watchdogs ask is open to everybody, since they have no login.

    Who may not look inside is told which part fails, and no text that names anything.
    """

    def __init__(self, services: Services) -> None:
        self._readiness = Readiness(services.database)
        self._health = services.health
        self._mode = services.settings.brokers
        self._release = version("munshi")

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["health"]}
        router.add_api_route(
            "/health",
            self.health,
            response_model=HealthAnswer,
            response_class=HealthJson,
            responses={503: {"model": HealthAnswer}},
            **options,
        )
        router.add_api_route("/health/live", self.live, response_model=LiveAnswer, **options)
        router.add_api_route("/health/ready", self.ready, **options)
        router.add_api_route("/health/history/{component}", self.history, **options)

    @allows(Role.PUBLIC)
    def health(self, request: Request) -> HealthJson:
        """Every component as health+json; 503 when one fails. Viewers are told why."""
        report = self._health.report()
        told = facts_of(request).principal.role >= Role.VIEWER
        answer = describe(report, mode=self._mode, release=self._release, tell=told)
        status = 503 if report.status is HealthStatus.FAIL else 200
        return HealthJson(answer.model_dump(mode="json", exclude_none=True), status_code=status)

    @allows(Role.PUBLIC)
    async def live(self) -> JsonAnswer:
        """The process answers; nothing else is touched."""
        return JsonAnswer({"status": "alive"})

    @allows(Role.PUBLIC)
    def ready(self) -> ReadyAnswer:
        """The database answers and is at the revision this version needs; else 503."""
        self._readiness.check()
        return ReadyAnswer(status="ready", mode=self._mode, database=self._readiness.kind)

    @allows(Role.VIEWER)
    def history(self, component: str, *, limit: _Limit = 24) -> HistoryAnswer:
        """One component's last samples, and its last hours in short."""
        found = self._health.history(component, limit=limit)
        return HistoryAnswer(
            component=component,
            samples=[_shown(sample) for sample in found.samples],
            hours=[HourShown.model_validate(hour) for hour in found.hours],
        )


def _shown(sample: HealthSample) -> SampleShown:
    found = sample.finding
    return SampleShown(
        checked_at=sample.checked_at,
        status=found.status,
        message=found.message,
        value=found.value,
        unit=found.unit,
        response_time_ms=sample.response_time_ms,
        error_count=sample.error_count,
        facts=found.facts,
    )
