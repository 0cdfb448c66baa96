"""How each broker words its faults and limits."""

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from munshi.infrastructure.brokers.simulator import breeze_replies
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.kite_replies import KiteRefusedError, token_refused
from munshi.infrastructure.brokers.simulator.rate_limits import DAY_SECONDS, Limit

OUTAGE_PAGE = (
    "<!DOCTYPE html><html><head><title>503 Service Temporarily Unavailable</title></head>"
    "<body><h1>503 Service Temporarily Unavailable</h1></body></html>"
)
KITE_REFUSALS = {
    FaultKind.THROTTLE: KiteRefusedError(429, "NetworkException", "Too many requests"),
    FaultKind.DAILY_LIMIT: KiteRefusedError(429, "NetworkException", "Too many requests"),
    FaultKind.BAD_GATEWAY: KiteRefusedError(502, "DataException", "OMS is not responding."),
    FaultKind.UNAVAILABLE: KiteRefusedError(503, "NetworkException", "Service unavailable."),
    FaultKind.EXPIRED_TOKEN: token_refused(),
}
BREEZE_REFUSALS = {
    FaultKind.THROTTLE: breeze_replies.minute_limit(),
    FaultKind.DAILY_LIMIT: breeze_replies.day_limit(),
    FaultKind.BAD_GATEWAY: breeze_replies.BreezeRefusedError(502, "Bad Gateway", http=502),
    FaultKind.UNAVAILABLE: breeze_replies.BreezeRefusedError(503, "Service Unavailable", http=503),
    FaultKind.EXPIRED_TOKEN: breeze_replies.expired_session(),
}


def fault_reply(kind: FaultKind, *, service: str) -> Response | None:
    """The answer that replaces the broker's own; None where the call is handled after all."""
    if kind is FaultKind.HTML:
        return HTMLResponse(OUTAGE_PAGE, status_code=503)
    if kind is FaultKind.THROTTLE_TEXT:
        return PlainTextResponse("Too many requests", status_code=429)
    if service == "kite":
        kite = KITE_REFUSALS.get(kind)
        return kite.reply() if kite else None
    breeze = BREEZE_REFUSALS.get(kind)
    return breeze.reply() if breeze else None


def limit_reply(limit: Limit) -> JSONResponse:
    if limit.service == "kite":
        return KITE_REFUSALS[FaultKind.THROTTLE].reply()
    daily = limit.window_seconds >= DAY_SECONDS
    return (breeze_replies.day_limit() if daily else breeze_replies.minute_limit()).reply()
