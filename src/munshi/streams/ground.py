"""What a stream stands on; light, so that a process that streams nothing pays nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from munshi.cache.last_quotes import LastQuotes
from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.security_master import SecurityMaster
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.line import Gate, Guard
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode


class Origin(Protocol):
    """What the bars of a broker are stored under."""

    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGround:
    """`kite` and `breeze` give the login in force, and end it at once if the broker rejects it."""

    database: Database
    clock: Clock
    mode: BrokerMode
    gate: Gate
    guard: Guard
    quotes: LastQuotes
    find: Callable[[str], Instrument]
    origin: Callable[[Service], Origin]
    kite_endpoints: KiteEndpoints
    kite: Callable[[], AbstractContextManager[KiteAccess]]
    breeze_endpoints: BreezeEndpoints
    breeze: Callable[[], AbstractContextManager[BreezeAccess]]
    security_master: Callable[[], SecurityMaster]
