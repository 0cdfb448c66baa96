"""How every broker call is made: outside transactions, with a permit, waiting out a refusal."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx

from munshi.errors import BrokerRequestError, BrokerThrottledError
from munshi.infrastructure.brokers.http import Reply, exchange

Gate = Callable[[str], AbstractContextManager[None]]
Guard = Callable[[], None]
T = TypeVar("T")

MAX_WAITS = 3
MAX_WAITED_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLine:
    """The line to one broker.

    `guard` raises TransactionOpenError while a transaction is open. `gate` gives the permit of
    an endpoint class and, when a BrokerThrottledError passes through it, closes the class for
    as long as the error says: the wait happens there, at the next permit.
    """

    broker: str
    http: httpx.Client
    gate: Gate
    guard: Guard

    def ask(
        self,
        endpoint_class: str,
        build: Callable[[], httpx.Request],
        *,
        read: Callable[[Reply], T],
    ) -> T:
        """Send one request and hand the reply to `read`, which raises what the body says.

        The request is built once the permit is there, so that a signed time is not stale.
        """
        self.guard()
        with self.gate(endpoint_class):
            return read(exchange(self.http, self._built(build), broker=self.broker))

    def ask_again(
        self,
        endpoint_class: str,
        build: Callable[[], httpx.Request],
        *,
        read: Callable[[Reply], T],
    ) -> T:
        """As `ask`, for reads that may be repeated: waits out a refusal for haste.

        Up to three times and 90 seconds in all; then the BrokerThrottledError goes to the caller.
        """
        waited = 0.0
        for _ in range(MAX_WAITS):
            try:
                return self.ask(endpoint_class, build, read=read)
            except BrokerThrottledError as refusal:
                waited += refusal.retry_after
                if waited > MAX_WAITED_SECONDS:
                    raise
        return self.ask(endpoint_class, build, read=read)

    def _built(self, build: Callable[[], httpx.Request]) -> httpx.Request:
        with suppress(UnicodeEncodeError):
            return build()
        raise BrokerRequestError(
            f"The {self.broker} key or token holds characters that cannot be sent.",
            hint=f"Store it again: munshi connect {self.broker.lower()}",
        )
