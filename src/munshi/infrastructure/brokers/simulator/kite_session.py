"""Kite's session calls and the user's own pages: token, profile, margins."""

import hashlib
import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from munshi.clock import IST
from munshi.infrastructure.brokers.simulator.kite_replies import (
    MALFORMED_TOKEN,
    STALE_REQUEST_TOKEN,
    input_refused,
    success,
    token_refused,
)
from munshi.infrastructure.brokers.simulator.kite_tokens import random_token
from munshi.infrastructure.brokers.simulator.parts import Parts
from munshi.infrastructure.brokers.simulator.seed import KITE_USER

API_VERSION = "3"
PROFILE: dict[str, Any] = {
    "user_id": KITE_USER.user_id,
    "user_type": "individual",
    "email": "trader@simulated.invalid",
    "user_name": KITE_USER.user_name,
    "user_shortname": "Simulated",
    "broker": "ZERODHA",
    "exchanges": ["NSE", "NFO", "BSE", "BFO"],
    "products": ["CNC", "NRML", "MIS"],
    "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
    "avatar_url": None,
    "meta": {"demat_consent": "consent"},
}
CASH = 1_000_000.0


def check_version(request: Request) -> None:
    if request.headers.get("X-Kite-Version") != API_VERSION:
        raise input_refused("Invalid or missing `X-Kite-Version` header.")


def check_access(request: Request, parts: Parts) -> None:
    """`Authorization: token api_key:access_token`: 400 if malformed, 403 if not a live token."""
    check_version(request)
    scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
    api_key, colon, token = pair.partition(":")
    if scheme != "token" or not colon or not api_key or not token:
        raise input_refused(MALFORMED_TOKEN)
    if not parts.kite.accepts(token, api_key=api_key):
        raise token_refused()


class KiteSession:
    """Exchange of the request token, logout, profile and margins."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            Route("/session/token", self.exchange, methods=["POST"]),
            Route("/session/token", self.logout, methods=["DELETE"]),
            Route("/user/profile", self.profile, methods=["GET"]),
            Route("/user/margins", self.margins, methods=["GET"]),
            Route("/user/margins/{segment}", self.margins, methods=["GET"]),
        ]

    async def exchange(self, request: Request) -> JSONResponse:
        check_version(request)
        form = await request.form()
        api_key, request_token, checksum = (
            str(form.get(name, "")) for name in ("api_key", "request_token", "checksum")
        )
        for name, value in (
            ("api_key", api_key),
            ("request_token", request_token),
            ("checksum", checksum),
        ):
            if not value:
                raise input_refused(f"Missing or empty field `{name}`.")
        if api_key != KITE_USER.app_key:
            raise input_refused("Invalid `api_key`.")
        expected = hashlib.sha256(
            f"{api_key}{request_token}{KITE_USER.app_secret}".encode()
        ).hexdigest()
        if not hmac.compare_digest(expected, checksum):
            raise token_refused("Invalid `checksum`.")
        if not self._parts.kite.spend_request_token(request_token, api_key=api_key):
            raise token_refused(STALE_REQUEST_TOKEN)
        return success(self._grant(api_key))

    def _grant(self, api_key: str) -> dict[str, Any]:
        token = self._parts.kite.issue_access_token(api_key, user_id=KITE_USER.user_id)
        return PROFILE | {
            "api_key": api_key,
            "access_token": token,
            "public_token": random_token(),
            "enctoken": random_token(88),
            "refresh_token": "",
            "silo": "",
            "login_time": self._parts.state.now().astimezone(IST).strftime("%Y-%m-%d %H:%M:%S"),
        }

    async def logout(self, request: Request) -> JSONResponse:
        check_version(request)
        api_key = request.query_params.get("api_key", "")
        token = request.query_params.get("access_token", "")
        if not self._parts.kite.accepts(token, api_key=api_key):
            raise token_refused()
        self._parts.kite.end_access(api_key, token=token)
        return success(data=True)

    async def profile(self, request: Request) -> JSONResponse:
        check_access(request, self._parts)
        return success(PROFILE)

    async def margins(self, request: Request) -> JSONResponse:
        check_access(request, self._parts)
        both = {"equity": _margin(CASH), "commodity": _margin(0.0)}
        segment = request.path_params.get("segment")
        if segment is None:
            return success(both)
        if segment not in both:
            raise input_refused("Invalid segment.")
        return success(both[segment])


def _margin(cash: float) -> dict[str, Any]:
    available = {
        "adhoc_margin": 0,
        "cash": cash,
        "opening_balance": cash,
        "live_balance": cash,
        "collateral": 0,
        "intraday_payin": 0,
    }
    utilised = dict.fromkeys(
        (
            "debits",
            "exposure",
            "m2m_realised",
            "m2m_unrealised",
            "option_premium",
            "payout",
            "span",
            "holding_sales",
            "turnover",
            "liquid_collateral",
            "stock_collateral",
            "delivery",
        ),
        0,
    )
    return {"enabled": True, "net": cash, "available": available, "utilised": utilised}
