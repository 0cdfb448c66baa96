"""Whether a host answers at all: asked with no key, no token, and no path that needs either.

These calls take no permit, because whoever makes them may have no database to take one from; they
are one per host and by hand, and no broker counts a call that is nobody's.
"""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import httpx

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.http import exchange, open_http

PATIENCE = httpx.Timeout(4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the host said of itself. `is_ours` if it is a Munshi that serves."""

    status: int
    dated: datetime | None
    is_ours: bool


def reach(address: str, *, whose: str, through_proxy: bool) -> Reach:
    """Ask for the front page's head: any answer of the host is one, a refusal too.

    Raises BrokerUnavailableError, within a few seconds of silence.
    """
    return _ask("HEAD", address, whose=whose, through_proxy=through_proxy)


def reach_desk(address: str) -> Reach:
    """Ask what serves at `address`, on this machine, whether it is Munshi.

    Raises BrokerUnavailableError if it does not speak HTTP.
    """
    return _ask("GET", f"{address}/health/live", whose="What listens there", through_proxy=False)


def _ask(method: str, address: str, *, whose: str, through_proxy: bool) -> Reach:
    try:
        with open_http(through_proxy=through_proxy, timeout=PATIENCE) as http:
            reply = exchange(http, http.build_request(method, address), broker=whose)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise BrokerUnavailableError(f"{whose} has an address that is none.") from None
    is_ours = False
    if method == "GET" and reply.status == HTTPStatus.OK:
        try:
            is_ours = reply.json() == {"status": "alive"}
        except BrokerUnavailableError:
            is_ours = False
    return Reach(status=reply.status, dated=reply.dated, is_ours=is_ours)
