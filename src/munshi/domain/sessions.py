"""Broker logins: what a broker grants, what is stored, and when each dies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.settings import BrokerMode

KITE_EXPIRY_IST = time(6, 0)
BREEZE_EXPIRY_IST = time(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSession:
    """A login as the broker granted it. `session_token` is Breeze's signed header value."""

    service: Service
    mode: BrokerMode
    account: str = "main"
    access_token: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    user_id: str
    user_name: str
    expires_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSession:
    """One row of AuthSessions."""

    session_id: UUID
    service: Service
    mode: BrokerMode
    account: str
    access_token: str = field(repr=False)
    session_token: str | None = field(repr=False)
    user_id: str
    user_name: str
    expires_at: datetime
    is_active: bool
    created_at: datetime
    updated_at: datetime
    metadata: Mapping[str, str]

    def is_valid(self, *, now: datetime) -> bool:
        return self.is_active and now < self.expires_at


def _next_ist(at: time, *, now: datetime) -> datetime:
    local = now.astimezone(IST)
    candidate = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if candidate <= local:
        candidate += timedelta(days=1)
    return candidate.astimezone(UTC)


def kite_expiry(now: datetime) -> datetime:
    """The next 06:00 IST: the exchange rule ends every Kite login before the trading day.

    A login before 06:00 IST therefore dies the same morning (Kite Connect, user page).
    """
    return _next_ist(KITE_EXPIRY_IST, now=now)


def breeze_expiry(now: datetime) -> datetime:
    """The next midnight IST, the earlier of the two lives ICICI names for a session."""
    return _next_ist(BREEZE_EXPIRY_IST, now=now)
