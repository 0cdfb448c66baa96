"""The HTTP API as one application over the services."""

from collections.abc import Iterable
from typing import Protocol

from fastapi import APIRouter, FastAPI

from munshi.api import problems
from munshi.api.docs_page import DocsRoutes
from munshi.api.front_page import FrontPageRoutes
from munshi.api.gate import Gate
from munshi.api.roles import GuardedRoute
from munshi.api.security import CallerRules
from munshi.clock import Clock
from munshi.settings import Settings

_DESCRIPTION = (
    "Broker logins, jobs, configuration, audit and market data of one trading desk. Errors are "
    "`application/problem+json` (RFC 9457). Times are ISO 8601 in UTC."
)


class Routes(Protocol):
    """A group of endpoints, each marked with the role that may call it."""

    def add_to(self, router: APIRouter) -> None: ...


def build_app(
    settings: Settings,
    clock: Clock,
    groups: Iterable[Routes],
    *,
    listening: Iterable[tuple[str, int]] | None = None,
) -> FastAPI:
    """The gate, the pages and `groups`. `listening` defaults to the address of the settings."""
    addresses = list(listening or [(settings.host, settings.port)])
    app = FastAPI(
        title="Munshi",
        description=_DESCRIPTION,
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = GuardedRoute
    problems.install(app)
    url = f"http://localhost:{addresses[0][1]}"
    pages: list[Routes] = [
        FrontPageRoutes(mode=settings.brokers, url=url),
        DocsRoutes(app, mode=settings.brokers, url=url),
    ]
    for group in (*groups, *pages):
        group.add_to(app.router)
    app.add_middleware(
        Gate, rules=CallerRules(settings, listening=addresses), monotonic=clock.monotonic
    )
    return app
