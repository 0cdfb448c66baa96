"""The HTTP API as one application over the services."""

from collections.abc import Iterable
from importlib.metadata import version

from fastapi import FastAPI

from munshi.api import problems
from munshi.api.callers import Callers
from munshi.api.cookies import SessionCookie
from munshi.api.docs_page import DocsRoutes
from munshi.api.front_page import FrontPageRoutes
from munshi.api.gate import Gate, NoteRequest
from munshi.api.people_pages import PeoplePages
from munshi.api.rate_limit import RateLimiter
from munshi.api.request_counts import RequestCounts
from munshi.api.roles import GuardedRoute, Routes
from munshi.api.routes import all_routes
from munshi.api.security import CallerRules
from munshi.bootstrap import Services
from munshi.clock import Clock
from munshi.domain.config_keys import API, RATE_LIMIT_PER_MINUTE
from munshi.people.sessions import SessionService
from munshi.settings import Settings

_DESCRIPTION = (
    "Broker logins, jobs, configuration, audit and market data of one trading desk. Errors are "
    "`application/problem+json` (RFC 9457). Times are ISO 8601 in UTC."
)


def create_app(
    services: Services, *, listening: Iterable[tuple[str, int]] | None = None
) -> FastAPI:
    """The whole API. `listening` is every address it is served on, as the settings have it."""
    counts = RequestCounts()
    groups = [*all_routes(services, counts), PeoplePages(services)]
    return build_app(
        services.settings,
        services.clock,
        groups,
        listening=listening,
        note=counts.note,
        sessions=services.people.sessions,
        limiter=RateLimiter(
            lambda: int(services.config.value(API, RATE_LIMIT_PER_MINUTE)),
            services.clock.monotonic,
        ),
    )


def build_app(
    settings: Settings,
    clock: Clock,
    groups: Iterable[Routes],
    *,
    listening: Iterable[tuple[str, int]] | None = None,
    note: NoteRequest | None = None,
    sessions: SessionService | None = None,
    limiter: RateLimiter | None = None,
) -> FastAPI:
    """The gate, the pages and `groups`. `listening` defaults to the address of the settings.

    `note` is told of every request that is over. Without `sessions` nobody is signed in, and
    without `limiter` nobody calls too often.
    """
    addresses = list(listening or [(settings.host, settings.port)])
    app = FastAPI(
        title="Munshi",
        description=_DESCRIPTION,
        version=version("munshi"),
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
    rules, cookie = CallerRules(settings, listening=addresses), SessionCookie(settings)
    app.add_middleware(
        Gate,
        rules=rules,
        callers=Callers(rules, cookie, sessions),
        limiter=limiter,
        is_secure=cookie.is_secure,
        monotonic=clock.monotonic,
        note=note,
    )
    return app
