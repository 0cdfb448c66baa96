"""The simulated brokers as one Starlette application."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from munshi.domain.market.calendar import MarketCalendar
from munshi.infrastructure.brokers.simulator import breeze_replies, kite_replies
from munshi.infrastructure.brokers.simulator.breeze_history import BreezeHistory
from munshi.infrastructure.brokers.simulator.breeze_login import BreezeLogin
from munshi.infrastructure.brokers.simulator.breeze_market import BreezeMarket
from munshi.infrastructure.brokers.simulator.breeze_session import BreezeAccess, BreezeSessions
from munshi.infrastructure.brokers.simulator.breeze_stream import BreezeStream
from munshi.infrastructure.brokers.simulator.breeze_tokens import BreezeTokens
from munshi.infrastructure.brokers.simulator.candle_source import CandleSource
from munshi.infrastructure.brokers.simulator.control import Control
from munshi.infrastructure.brokers.simulator.endpoints import endpoint_of
from munshi.infrastructure.brokers.simulator.faults import FaultBoard
from munshi.infrastructure.brokers.simulator.gateway import Connections, Gateway
from munshi.infrastructure.brokers.simulator.kite_login import KiteLogin
from munshi.infrastructure.brokers.simulator.kite_market import KiteMarket
from munshi.infrastructure.brokers.simulator.kite_session import KiteSession
from munshi.infrastructure.brokers.simulator.kite_ticker import KiteTicker
from munshi.infrastructure.brokers.simulator.kite_tokens import KiteTokens
from munshi.infrastructure.brokers.simulator.market import Market
from munshi.infrastructure.brokers.simulator.pages import page
from munshi.infrastructure.brokers.simulator.parts import Parts, Redirects
from munshi.infrastructure.brokers.simulator.rate_limits import (
    DOCUMENTED_LIMITS,
    Limit,
    RateLimits,
)
from munshi.infrastructure.brokers.simulator.security_master import SecurityMaster
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER
from munshi.infrastructure.brokers.simulator.state import SimulatorState


def create_app(
    state: SimulatorState,
    candles: CandleSource,
    *,
    calendar: MarketCalendar | None = None,
    limits: Iterable[Limit] = DOCUMENTED_LIMITS,
    redirects: Redirects | None = None,
    connections: Connections | None = None,
) -> Starlette:
    """Both brokers on one address; their paths do not meet. `state` must be open.

    `connections` comes from the server that runs the app; without it a reset fault cannot cut.
    """
    parts = Parts(
        state=state,
        kite=KiteTokens(state),
        breeze=BreezeTokens(state),
        limits=RateLimits(state, limits=limits),
        faults=FaultBoard(state),
        redirects=redirects or Redirects(),
    )
    access = BreezeAccess(parts)
    connections = connections or Connections()
    market = Market(state, candles, calendar or MarketCalendar.packaged())
    ticker = KiteTicker(parts, market, connections)
    routes = [
        Route("/", _front_page),
        *Control(parts, candles).routes(),
        *ticker.routes(),
        *KiteLogin(parts).routes(),
        *KiteSession(parts).routes(),
        *KiteMarket(parts, market).routes(),
        *BreezeLogin(parts).routes(),
        *BreezeSessions(parts, access).routes(),
        *BreezeHistory(access, market).routes(),
        *BreezeMarket(access, market).routes(),
        *SecurityMaster(market).routes(),
        *BreezeStream(parts, market, connections).routes(),
    ]
    door = Middleware(
        Gateway,
        state=state,
        limits=parts.limits,
        faults=parts.faults,
        connections=connections,
    )
    app = Starlette(
        routes=routes,
        middleware=[door],
        exception_handlers={
            HTTPException: _answer_http_error,
            kite_replies.KiteRefusedError: kite_replies.answer_refusal,
            breeze_replies.BreezeRefusedError: breeze_replies.answer_refusal,
        },
    )
    app.state.parts = parts
    return app


async def _front_page(_: Request) -> Response:
    return page(
        "Simulated brokers",
        f'<p><a href="/connect/login?v=3&amp;api_key={KITE_USER.app_key}">Sign in to Kite</a></p>'
        f'<p><a href="/apiuser/login?api_key={BREEZE_USER.app_key}">Sign in to Breeze</a></p>'
        '<p><a href="/_simulator/state">State</a></p>',
    )


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the words of the broker whose they would be."""
    if not isinstance(error, HTTPException):
        raise error
    endpoint = endpoint_of(request.url.path)
    if endpoint is None:
        return JSONResponse(
            {"simulated": True, "error": error.detail}, status_code=error.status_code
        )
    if endpoint.service == "breeze":
        return breeze_replies.BreezeRefusedError(
            error.status_code, error.detail, http=error.status_code
        ).reply()
    return kite_replies.KiteRefusedError(
        error.status_code, "GeneralException", error.detail
    ).reply()
