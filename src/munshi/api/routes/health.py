"""Whether the process lives, and whether it can work."""

from typing import Any

from fastapi import APIRouter

from munshi.api.answers import JsonAnswer, Shown
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.health.readiness import Readiness
from munshi.settings import BrokerMode


class LiveAnswer(Shown):
    status: str


class ReadyAnswer(Shown):
    status: str
    mode: BrokerMode
    database: str


class HealthRoutes:
    """Open to everybody on this machine: watchdogs have no login."""

    def __init__(self, services: Services) -> None:
        self._readiness = Readiness(services.database)
        self._mode = services.settings.brokers

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["health"]}
        router.add_api_route("/health/live", self.live, response_model=LiveAnswer, **options)
        router.add_api_route("/health/ready", self.ready, **options)

    @allows(Role.PUBLIC)
    async def live(self) -> JsonAnswer:
        """The process answers; nothing else is touched."""
        return JsonAnswer({"status": "alive"})

    @allows(Role.PUBLIC)
    def ready(self) -> ReadyAnswer:
        """The database answers and is at the revision this version needs; else 503."""
        self._readiness.check()
        return ReadyAnswer(status="ready", mode=self._mode, database=self._readiness.kind)
