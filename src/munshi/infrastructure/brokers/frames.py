"""What a stream of prices brings, whichever broker it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from munshi.domain.market.ticks import Tick, TickMode


@dataclass(frozen=True, slots=True, kw_only=True)
class TickFrame:
    """What one message held; `refused` counts the packets that could not be read."""

    ticks: tuple[Tick, ...] = ()
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A message in words: `order`, `error`, `message`, or `unreadable`; on one line."""

    kind: str
    said: str


HEARTBEAT = TickFrame()


class PriceLine(Protocol):
    """One connection that is open. `silence` is how long it may say nothing, where it tells."""

    silence: float | None

    def subscribe(self, modes: Mapping[int, TickMode]) -> None:
        """Ask for instruments. Raises BrokerRequestError, BrokerUnavailableError."""
        ...

    def next(self, *, patience: float) -> TickFrame | Told:
        """The next message; an empty frame says no more than that the broker is there.

        Raises BrokerStreamSilentError after `patience` seconds, BrokerUnavailableError once cut,
        BrokerSessionExpiredError if the broker says that the login is dead.
        """
        ...
