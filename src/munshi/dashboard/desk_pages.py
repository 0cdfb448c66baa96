"""How far the brokers' limits are used, and how the desk's parts do, as of now."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.roles import Role, allows
from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.dashboard.pictures import Colour, Line, LineChart
from munshi.domain.health import HealthHour, HealthSample
from munshi.errors import HealthComponentUnknownError
from munshi.health.service import SWEEP

HOURS_SHOWN = 168
LOOKS_SHOWN = 60


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
            hours = history.hours[::-1]
        except HealthComponentUnknownError:
            if component != SWEEP:
                raise
            return self.health(request)
        return self._look.page(
            request,
            "health_of.html",
            title=f"Health of {component}",
            history=history,
            looks=history.samples[:LOOKS_SHOWN],
            hours=hours,
            charts=_charts(history.samples[::-1], hours),
        )


def _charts(samples: Sequence[HealthSample], hours: Sequence[HealthHour]) -> tuple[LineChart, ...]:
    found = []
    if samples:
        found.append(
            LineChart(
                title="How long each of the last looks took",
                unit="ms",
                times=[each.checked_at for each in samples],
                lines=(Line(name="took", values=[each.response_time_ms for each in samples]),),
            )
        )
    if hours:
        times = [each.hour for each in hours]
        share = [100 * each.failures / each.samples if each.samples else None for each in hours]
        found += [
            LineChart(
                title="How long a look took, by the hour",
                unit="ms",
                times=times,
                lines=(
                    Line(name="mean", values=[each.mean_ms for each in hours]),
                    Line(name="most", values=[each.most_ms for each in hours], colour=Colour.WARN),
                ),
            ),
            LineChart(
                title="Share of looks that found it failing",
                unit="%",
                times=times,
                lines=(Line(name="failing", values=share, colour=Colour.BAD, kind="bars"),),
            ),
        ]
    return tuple(found)
