"""How far the brokers' limits are used, and how the desk's parts do, as of now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.errors import HealthComponentUnknownError
from munshi.health.service import SWEEP

HOURS_SHOWN = 24


class DeskPages:
    """Looking only."""

    def __init__(self, services: Services, look: Look) -> None:
        self._services = services
        self._look = look

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/limits", self.limits, include_in_schema=False)
        router.add_api_route("/ui/health", self.health, include_in_schema=False)
        router.add_api_route("/ui/health/{component}", self.component, include_in_schema=False)

    @allows(Role.VIEWER)
    def limits(self, request: Request) -> Response:
        found = self._services.limits.list_limits()
        return self._look.page(request, "limits.html", title="Limits", limits=found)

    @allows(Role.VIEWER)
    def health(self, request: Request) -> Response:
        report = self._services.health.report()
        return self._look.page(request, "health.html", title="Health", report=report, sweep=SWEEP)

    @allows(Role.VIEWER)
    def component(self, component: str, request: Request) -> Response:
        try:
            history = self._services.health.history(component, limit=HOURS_SHOWN)
        except HealthComponentUnknownError:
            if component != SWEEP:
                raise
            return self.health(request)
        return self._look.page(
            request, "health_of.html", title=f"Health of {component}", history=history
        )
