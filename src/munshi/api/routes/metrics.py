"""What Prometheus collects."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import PlainTextResponse, Response

from munshi.api.metrics import DeskCollector, exposition, make_registry
from munshi.api.request_counts import RequestCounts
from munshi.api.roles import Role, allows
from munshi.bootstrap import Services


class MetricsRoutes:
    """For a Prometheus on this machine, which is the local operator; others need a login."""

    def __init__(self, services: Services, counts: RequestCounts) -> None:
        collector = DeskCollector(
            services.health.readings, counts=counts, mode=services.settings.brokers
        )
        self._registry = make_registry(collector)

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route(
            "/metrics", self.metrics, tags=["health"], response_class=PlainTextResponse
        )

    @allows(Role.VIEWER)
    def metrics(self) -> Response:
        """Jobs, queues, workers, schedules, logins, health and this process, for Prometheus."""
        return Response(exposition(self._registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
