"""Whether a broker answers at all, and what time it says it is."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from munshi.infrastructure.brokers.http import Reply

_GATEWAY_TROUBLE = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """`dated` is the broker's clock when it answered, cut to the second."""

    dated: datetime | None


def read_pulse(reply: Reply) -> Pulse:
    """Any JSON is an answer, a refusal too: the call brings no key.

    Breeze says 500 for what is wrong with a request, so only what a gateway says in its stead
    counts as no answer. Raises BrokerUnavailableError.
    """
    if reply.status in _GATEWAY_TROUBLE:
        raise reply.nonsense("that it is not available")
    reply.json()
    return Pulse(dated=reply.dated)
