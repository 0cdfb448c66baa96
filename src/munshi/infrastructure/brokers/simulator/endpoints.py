"""Which broker a path belongs to, which class of call it is and which limit counts it."""

import re
from dataclasses import dataclass

CONTROL_PREFIX = "/_simulator/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`bucket` is the limit a call counts against; None means that nobody counts it."""

    service: str
    endpoint_class: str
    bucket: str | None


def _kite(endpoint_class: str, bucket: str | None = "other") -> Endpoint:
    return Endpoint(service="kite", endpoint_class=endpoint_class, bucket=bucket)


def _breeze(endpoint_class: str, bucket: str | None = "api") -> Endpoint:
    return Endpoint(service="breeze", endpoint_class=endpoint_class, bucket=bucket)


ENDPOINTS: tuple[tuple[re.Pattern[str], Endpoint], ...] = tuple(
    (re.compile(pattern), endpoint)
    for pattern, endpoint in (
        (r"/connect/|/api/(login|twofa|connect/)", _kite("login", None)),
        (r"/session/", _kite("session")),
        (r"/user/", _kite("user")),
        (r"/instruments/historical/", _kite("historical", "historical")),
        (r"/instruments", _kite("instruments")),
        (r"/quote", _kite("quote", "quote")),
        (r"/(orders|trades|portfolio|margins|charges|gtt|alerts|mf)\b", _kite("other")),
        (r"/apiuser/", _breeze("login", None)),
        (r"/breezeapi/api/v1/historicalcharts$", _breeze("historical_v1")),
        (r"/breezeapi/api/v1/customerdetails$", _breeze("customerdetails")),
        (r"/breezeapi/api/v1/(quotes|optionchain)$", _breeze("quotes")),
        (r"/breezeapi/api/v1/", _breeze("other")),
        (r"/api/v2/historicalcharts$", _breeze("historical")),
        (r"/(MotherAppMaster|NewSecurityMaster)/", _breeze("master", None)),
    )
)

# Kite's stream is on a host of its own, so here it is the front page asked for as a WebSocket.
TICKER = _kite("ticker", None)
TICKER_PATH = "/"
# Breeze's sockets: prices and orders, and minute bars.
BREEZE_STREAM = _breeze("ticker", None)
BREEZE_STREAM_PATHS = ("/socket.io", "/ohlcvstream")

ENDPOINT_CLASSES: dict[str, tuple[str, ...]] = {
    service: tuple(
        dict.fromkeys(
            e.endpoint_class
            for e in (*(e for _, e in ENDPOINTS), TICKER, BREEZE_STREAM)
            if e.service == service
        )
    )
    for service in ("kite", "breeze")
}


def endpoint_of(path: str) -> Endpoint | None:
    """None for control routes, the front page and paths neither broker knows."""
    for pattern, endpoint in ENDPOINTS:
        if pattern.match(path):
            return endpoint
    return None


def stream_of(path: str) -> Endpoint | None:
    """Which broker's stream a WebSocket asks for."""
    if path == TICKER_PATH:
        return TICKER
    is_breeze = path.rstrip("/") in BREEZE_STREAM_PATHS
    return BREEZE_STREAM if is_breeze else None
