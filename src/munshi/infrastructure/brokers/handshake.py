"""How a broker's stream is opened, and what a refused handshake asks for."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from http import HTTPStatus

from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from munshi.errors import (
    AppError,
    BrokerRequestError,
    BrokerSessionExpiredError,
    BrokerThrottledError,
    BrokerUnavailableError,
)

OPEN_SECONDS = 15.0
CLOSE_SECONDS = 1.0
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


def shake_hands(
    open_lines: ExitStack,
    address: str,
    *,
    broker: str,
    throttle_seconds: float,
    headers: Mapping[str, str] | None = None,
) -> ClientConnection:
    """A connection that `open_lines` closes; the address may hold a token, and no error names it.

    Raises BrokerSessionExpiredError, BrokerThrottledError, BrokerRequestError and
    BrokerUnavailableError.
    """
    # At DEBUG the library writes handshake and frames down, the login included.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    failure: AppError
    try:
        return open_lines.enter_context(
            connect(
                address,
                additional_headers=headers,
                user_agent_header="munshi/0.1",
                compression=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=None,  # each broker's own heartbeat says whether it lives
                max_size=MAX_MESSAGE_BYTES,
                proxy=True if address.startswith("wss:") else None,
            )
        )
    except InvalidStatus as refusal:
        failure = _refused(refusal.response.status_code, broker, throttle_seconds)
    except (OSError, EOFError, InvalidHandshake, TimeoutError):
        failure = BrokerUnavailableError(f"{broker}'s stream could not be reached.")
    raise failure


def _refused(status: int, broker: str, throttle_seconds: float) -> AppError:
    """By the status alone: the body is not documented."""
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}:
        return BrokerSessionExpiredError(
            f"{broker}'s stream refused the login (HTTP {status}).",
            hint=f"Log in again: munshi login {broker.lower()}",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return BrokerThrottledError(
            f"{broker} has too many streams or handshakes.", retry_after=throttle_seconds
        )
    if status == HTTPStatus.BAD_REQUEST:
        return BrokerRequestError(f"{broker}'s stream refused the request (HTTP {status}).")
    return BrokerUnavailableError(f"{broker}'s stream is not available (HTTP {status}).")
