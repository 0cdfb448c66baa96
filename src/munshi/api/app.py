"""The HTTP API as one application over the services."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Protocol

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.callers import Callers
from munshi.api.cookies import SessionCookie
from munshi.api.docs_page import DocsRoutes
from munshi.api.front_page import FrontPageRoutes
from munshi.api.gate import Gate, NoteRequest
from munshi.api.people_pages import PeoplePages
from munshi.api.problems import Refusals
from munshi.api.rate_limit import RateLimiter
from munshi.api.request_counts import RequestCounts
from munshi.api.roles import GuardedRoute, Routes
from munshi.api.routes import all_routes
from munshi.api.security import CallerRules
from munshi.bootstrap import Services
from munshi.clock import Clock
from munshi.domain.config_keys import API, RATE_LIMIT_PER_MINUTE
from munshi.errors import AppError
from munshi.people.sessions import SessionService
from munshi.settings import Settings

_DESCRIPTION = (
    "Broker logins, jobs, configuration, audit and market data of one trading desk. Errors are "
    "`application/problem+json` (RFC 9457). Times are ISO 8601 in UTC."
)


class Pages(Protocol):
    """Pages for people, which begin at `/ui/` and say by themselves what went wrong there."""

    def add_to(self, router: APIRouter) -> None: ...

    def refusal(self, error: AppError, request: Request) -> Response: ...


def create_app(
    services: Services,
    *,
    listening: Iterable[tuple[str, int]] | None = None,
    pages: Pages | None = None,
) -> FastAPI:
    """The whole API. `listening` is every address it is served on, as the settings have it.

    Without `pages` a few words stand at `/ui/`.
    """
    counts = RequestCounts()
    groups = [*all_routes(services, counts), PeoplePages(services, has_pages=pages is not None)]
    return build_app(
        services.settings,
        services.clock,
        groups,
        listening=listening,
        pages=pages,
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
    pages: Pages | None = None,
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
    refusals = Refusals(pages.refusal if pages else None)
    refusals.install(app)
    url = f"http://localhost:{addresses[0][1]}"
    words: list[Routes] = [
        FrontPageRoutes(mode=settings.brokers, url=url, has_pages=pages is not None),
        DocsRoutes(app, mode=settings.brokers, url=url),
    ]
    # Fixed paths come first: the pages have some with parameters.
    for group in (*groups, *words, *([pages] if pages else [])):
        group.add_to(app.router)
    rules, cookie = CallerRules(settings, listening=addresses), SessionCookie(settings)
    app.add_middleware(
        Gate,
        rules=rules,
        callers=Callers(rules, cookie, sessions),
        refusals=refusals,
        limiter=limiter,
        is_secure=cookie.is_secure,
        monotonic=clock.monotonic,
        note=note,
    )
    return app
