"""`/_simulator/…`: the switches of the simulator itself, for this machine only."""

import ipaddress
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from munshi.infrastructure.brokers.simulator.candle_source import CandleSource
from munshi.infrastructure.brokers.simulator.endpoints import CONTROL_PREFIX, ENDPOINT_CLASSES
from munshi.infrastructure.brokers.simulator.faults import FaultKind
from munshi.infrastructure.brokers.simulator.parts import Parts, RedirectMode
from munshi.infrastructure.brokers.simulator.rate_limits import Limit
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER


class Control:
    """Every answer says `"simulated": true`."""

    def __init__(self, parts: Parts, candles: CandleSource) -> None:
        self._parts = parts
        self._candles = candles

    def routes(self) -> list[Route]:
        return [
            Route(f"{CONTROL_PREFIX}{path}", handler, methods=methods)
            for path, handler, methods in (
                ("state", self.state, ["GET"]),
                ("clock", self.clock, ["GET", "POST"]),
                ("faults", self.faults, ["GET", "POST", "DELETE"]),
                ("arrivals", self.arrivals, ["GET", "DELETE"]),
                ("limits", self.limits, ["GET", "POST", "DELETE"]),
                ("redirects", self.redirects, ["GET", "POST"]),
                ("logout", self.logout, ["POST"]),
            )
        ]

    async def state(self, request: Request) -> JSONResponse:
        _local_only(request)
        first, last = self._candles.first_day, self._candles.last_day
        return _answer(
            identity=self._parts.state.identity,
            home=str(self._parts.state.path.parent.resolve()),
            now=self._parts.state.now().isoformat(),
            clock_offset_seconds=self._parts.state.clock_offset.total_seconds(),
            candles={
                "label": self._candles.label,
                "first_day": first.isoformat() if first else None,
                "last_day": last.isoformat() if last else None,
            },
            faults=len(self._parts.faults.list_faults()),
        )

    async def clock(self, request: Request) -> JSONResponse:
        _local_only(request)
        if request.method == "POST":
            seconds = _number(await _body(request), "offset_seconds")
            self._parts.state.set_clock_offset(timedelta(seconds=seconds))
        return _answer(
            now=self._parts.state.now().isoformat(),
            offset_seconds=self._parts.state.clock_offset.total_seconds(),
        )

    async def faults(self, request: Request) -> JSONResponse:
        """POST `{kind, service?, endpoint_class?, count?, seconds?}`; DELETE mends all."""
        _local_only(request)
        if request.method == "DELETE":
            service = request.query_params.get("service")
            return _answer(cleared=self._parts.faults.clear(service=service))
        if request.method == "POST":
            asked = await _body(request)
            service = _one_of(asked, "service", ("*", *ENDPOINT_CLASSES), default="*")
            classes = ENDPOINT_CLASSES.get(service) or sum(ENDPOINT_CLASSES.values(), ())
            self._parts.faults.switch_on(
                FaultKind(_one_of(asked, "kind", tuple(FaultKind))),
                service=service,
                endpoint_class=_one_of(asked, "endpoint_class", ("*", *classes), default="*"),
                count=_count(asked),
                seconds=_number(asked, "seconds", default=0.0),
            )
        return _answer(faults=[asdict(fault) for fault in self._parts.faults.list_faults()])

    async def arrivals(self, request: Request) -> JSONResponse:
        _local_only(request)
        if request.method == "DELETE":
            self._parts.state.clear_arrivals()
        listed = self._parts.state.list_arrivals(
            service=request.query_params.get("service"),
            endpoint_class=request.query_params.get("endpoint_class"),
            limit=int(limit)
            if (limit := request.query_params.get("limit", "")).isdecimal()
            else 1000,
        )
        return _answer(arrivals=[asdict(arrival) for arrival in listed])

    async def limits(self, request: Request) -> JSONResponse:
        """POST `{service, bucket, window_seconds, allowed}`; `allowed: null` lifts the limit."""
        _local_only(request)
        if request.method == "DELETE":
            self._parts.limits.clear_overrides()
            self._parts.limits.forget_calls()
        if request.method == "POST":
            asked = await _body(request)
            known = self._parts.limits.list_limits()
            allowed = asked.get("allowed")
            self._parts.limits.save_limit(
                Limit(
                    service=_one_of(asked, "service", tuple(ENDPOINT_CLASSES)),
                    bucket=_one_of(asked, "bucket", tuple({limit.bucket for limit in known})),
                    window_seconds=int(_number(asked, "window_seconds")),
                    allowed=None if allowed is None else int(_number(asked, "allowed")),
                )
            )
        return _answer(limits=[asdict(limit) for limit in self._parts.limits.list_limits()])

    async def redirects(self, request: Request) -> JSONResponse:
        _local_only(request)
        redirects = self._parts.redirects
        if request.method == "POST":
            asked = await _body(request)
            redirects.kite_url = str(asked.get("kite_url", redirects.kite_url))
            redirects.breeze_url = str(asked.get("breeze_url", redirects.breeze_url))
            redirects.breeze_mode = RedirectMode(
                _one_of(asked, "breeze_mode", tuple(RedirectMode), default=redirects.breeze_mode)
            )
        return _answer(**asdict(redirects))

    async def logout(self, request: Request) -> JSONResponse:
        """End every live token of a broker, as a master logout from its own site does."""
        _local_only(request)
        service = _one_of(await _body(request), "service", ("*", "kite", "breeze"), default="*")
        kite = self._parts.kite.end_access(KITE_USER.app_key) if service != "breeze" else 0
        breeze = self._parts.breeze.end_all() if service != "kite" else 0
        return _answer(ended={"kite": kite, "breeze": breeze}, user=BREEZE_USER.user_id)


def _answer(**fields: object) -> JSONResponse:
    return JSONResponse({"simulated": True, **fields})


def _local_only(request: Request) -> None:
    peer = request.client.host if request.client else ""
    try:
        local = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        local = False
    foreign = request.headers.get("Sec-Fetch-Site", "none") in {"cross-site", "same-site"}
    if foreign or not local:
        raise HTTPException(403, "The simulator's controls answer only to this machine.")


async def _body(request: Request) -> dict[str, Any]:
    try:
        parsed = await request.json()
    except ValueError:
        raise HTTPException(400, "The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise HTTPException(400, "The body is not a JSON object.")
    return parsed


def _number(asked: dict[str, Any], name: str, *, default: float | None = None) -> float:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HTTPException(400, f"{name} must be a number.")
    return float(value)


def _count(asked: dict[str, Any]) -> int | None:
    if asked.get("count") is None:
        return None
    count = int(_number(asked, "count"))
    if count < 1:
        raise HTTPException(400, "count must be at least 1; leave it out to last until cleared.")
    return count


def _one_of(
    asked: dict[str, Any], name: str, known: tuple[str, ...], *, default: str | None = None
) -> str:
    value = asked.get(name, default)
    if value not in known:
        raise HTTPException(400, f"{name} must be one of {', '.join(sorted(known))}.")
    return str(value)
