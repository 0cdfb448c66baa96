"""How every broker call is made: outside transactions, with a permit, by what an answer asks for.

| the answer | the reaction |
|---|---|
| log in again | never repeated; the login is ended (`auth`) |
| wait | a read waits for as long as the broker says, three times and 90 seconds at most |
| the broker is down or unclear | a read is tried again, after a growing wait, within a budget |
| fix the request | never repeated |

What changes something at the broker is sent once, whatever comes back.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx

from munshi.errors import (
    BrokerRequestError,
    BrokerRestingError,
    BrokerThrottledError,
    BrokerUnavailableError,
)
from munshi.infrastructure.brokers.http import Reply, exchange
from munshi.infrastructure.brokers.retries import NO_RETRIES, Retries

Gate = Callable[[str], AbstractContextManager[None]]
Guard = Callable[[], None]
T = TypeVar("T")

MAX_WAITS = 3
MAX_WAITED_SECONDS = 90.0


class Circuit(Protocol):
    """Whether a broker is left alone because it goes on failing."""

    def check(self) -> None:
        """Raises BrokerRestingError."""
        ...

    def call(self, *, sign_in: bool = False) -> AbstractContextManager[None]:
        """Around one call. Raises BrokerRestingError, unless it is a `sign_in`."""
        ...


class _AlwaysClosed:
    def check(self) -> None:
        return

    def call(self, *, sign_in: bool = False) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()


ALWAYS_CLOSED: Circuit = _AlwaysClosed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resilience:
    """What a line does about failures; without anything, each goes to the caller at once."""

    retries: Retries = NO_RETRIES
    circuit: Circuit = ALWAYS_CLOSED


UNPROTECTED = Resilience()


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
    resilience: Resilience = UNPROTECTED

    def ask(
        self,
        endpoint_class: str,
        build: Callable[[], httpx.Request],
        *,
        read: Callable[[Reply], T],
        sign_in: bool = False,
    ) -> T:
        """Send one request, once, and hand the reply to `read`, which raises what the body says.

        The request is built once the permit is there, so that a signed time is not stale. Raises
        BrokerRestingError, without sending, while the broker is left alone; a `sign_in`, for
        which a person waits, is sent even then.
        """
        self.guard()
        circuit = self.resilience.circuit
        if not sign_in:
            circuit.check()
        with self.gate(endpoint_class):
            request = self._built(build)
            with circuit.call(sign_in=sign_in):
                return read(exchange(self.http, request, broker=self.broker))

    def feel(
        self,
        endpoint_class: str,
        build: Callable[[], httpx.Request],
        *,
        read: Callable[[Reply], T],
    ) -> T:
        """As `ask`, for a look at whether the broker answers: neither held back nor counted."""
        self.guard()
        with self.gate(endpoint_class):
            return read(exchange(self.http, self._built(build), broker=self.broker))

    def ask_again(
        self,
        endpoint_class: str,
        build: Callable[[], httpx.Request],
        *,
        read: Callable[[Reply], T],
        sign_in: bool = False,
    ) -> T:
        """As `ask`, for reads that may be repeated.

        Waits out a refusal for haste, up to three times and 90 seconds in all, and tries again
        what failed, as `Retries` allows; then the error goes to the caller.
        """
        retries = self.resilience.retries
        refused, waited, failed = 0, 0.0, 0
        while True:
            try:
                answer = self.ask(endpoint_class, build, read=read, sign_in=sign_in)
            except BrokerThrottledError as refusal:
                refused, waited = refused + 1, waited + refusal.retry_after
                if refused > MAX_WAITS or waited > MAX_WAITED_SECONDS:
                    raise
            except BrokerRestingError:
                raise
            except BrokerUnavailableError:
                failed += 1
                if not retries.pause(failed):
                    raise
            else:
                retries.budget.earn()
                return answer

    def _built(self, build: Callable[[], httpx.Request]) -> httpx.Request:
        with suppress(UnicodeEncodeError):
            return build()
        raise BrokerRequestError(
            f"The {self.broker} key or token holds characters that cannot be sent.",
            hint=f"Store it again: munshi connect {self.broker.lower()}",
        )
