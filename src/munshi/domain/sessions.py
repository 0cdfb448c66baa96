"""Broker logins: what a broker grants, what is stored, and when each dies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from munshi.clock import IST
from munshi.domain.enums import Service
from munshi.settings import BrokerMode

KITE_EXPIRY_IST = time(6, 0)
BREEZE_EXPIRY_IST = time(0, 0)


class SessionState(StrEnum):
    """How a desk stands with one broker."""

    ABSENT = "absent"
    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def is_good(self) -> bool:
        """Whether calls may be made."""
        return self in {SessionState.ACTIVE, SessionState.EXPIRING}


class SessionEvent(StrEnum):
    """What moves a login from state to state.

    warning: its end is near. end: its time is up. rejection: the broker refused a call made with
    it. probe: after a rejection the broker took it again. disconnect: a person ended it.
    """

    LOGIN = "login"
    WARNING = "warning"
    END = "end"
    REJECTION = "rejection"
    PROBE = "probe"
    DISCONNECT = "disconnect"


_LOGIN = {SessionEvent.LOGIN: SessionState.ACTIVE}
_ENDINGS = {
    SessionEvent.END: SessionState.EXPIRED,
    SessionEvent.REJECTION: SessionState.REJECTED,
    SessionEvent.DISCONNECT: SessionState.ABSENT,
}
# What is not named leaves the state as it is: a rejection of a login that is over, for one.
TRANSITIONS: Mapping[SessionState, Mapping[SessionEvent, SessionState]] = MappingProxyType(
    {
        SessionState.ABSENT: _LOGIN,
        SessionState.ACTIVE: {**_LOGIN, SessionEvent.WARNING: SessionState.EXPIRING, **_ENDINGS},
        # Both brokers end all logins at one time of the day, a newer one as well.
        SessionState.EXPIRING: {SessionEvent.LOGIN: SessionState.EXPIRING, **_ENDINGS},
        SessionState.EXPIRED: _LOGIN,
        SessionState.REJECTED: {
            **_LOGIN,
            SessionEvent.PROBE: SessionState.ACTIVE,
            SessionEvent.END: SessionState.EXPIRED,
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSeen:
    """What the rows say of a broker's newest login, without its tokens.

    `changed_at` is when it was ended, if it was; `is_rejected` that the broker did so, and `why`
    what it said.
    """

    session_id: UUID
    expires_at: datetime
    is_active: bool
    changed_at: datetime
    is_rejected: bool = False
    why: str | None = None


def session_state(
    login: LoginSeen | None, *, now: datetime, warning: timedelta = timedelta(0)
) -> SessionState:
    """Where the table stands; `warning` is how long before its end a login counts as expiring."""
    if login is None:
        return SessionState.ABSENT
    if now >= login.expires_at:
        was_ended = not login.is_active and login.changed_at < login.expires_at
        gone = was_ended and not login.is_rejected
        return SessionState.ABSENT if gone else SessionState.EXPIRED
    if login.is_active:
        is_near = login.expires_at - now <= warning
        return SessionState.EXPIRING if is_near else SessionState.ACTIVE
    return SessionState.REJECTED if login.is_rejected else SessionState.ABSENT


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
