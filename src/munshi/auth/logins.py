"""Both brokers' logins side by side: status, clean-up, and which service a word means."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.auth.login_book import ALERT_KIND
from munshi.clock import Clock
from munshi.domain.alerts import Alert
from munshi.domain.audit import Actor
from munshi.domain.config_keys import AUTH, EXPIRY_WARNING_MINUTES, find_key
from munshi.domain.enums import Service
from munshi.domain.readiness import BrokerLook
from munshi.domain.sessions import LoginSeen, SessionState, session_state
from munshi.errors import AppError, ServiceUnknownError
from munshi.infrastructure.database.auth_repository import CleanupCounts, StoredLogin
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.login_board import LoginBoardReader
from munshi.settings import BrokerMode

DEFAULT_WARNING: int = find_key(AUTH, EXPIRY_WARNING_MINUTES).default


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """Whether a broker will take our calls, and where to log in if not."""

    service: Service
    mode: BrokerMode
    account: str
    state: SessionState
    authenticated: bool
    user_id: str | None
    user_name: str | None
    expires_at: datetime | None
    seconds_left: int | None
    login_link: str
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStatus:
    """Every broker's status, and the open alerts, oldest first."""

    services: list[ServiceStatus]
    alerts: list[Alert]


class BrokerLogins:
    """What people ask about logins, whichever broker it is."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        kite: KiteDBService,
        breeze: BreezeDBService,
    ) -> None:
        self._database = database
        self._board = LoginBoardReader(database)
        self._clock = clock
        self._mode = mode
        self._kite = kite
        self._breeze = breeze

    def of(self, service: str) -> KiteDBService | BreezeDBService:
        """The sign-in service a word names.

        Raises ServiceUnknownError.
        """
        known: dict[str, KiteDBService | BreezeDBService] = {
            Service.KITE: self._kite,
            Service.BREEZE: self._breeze,
        }
        found = known.get(service.lower())
        if found is None:
            raise ServiceUnknownError(
                f"There is no service {service!r}.", hint=f"Known: {', '.join(known)}."
            )
        return found

    def status(self) -> list[ServiceStatus]:
        return self.desk_status().services

    def look(self, status: ServiceStatus) -> BrokerLook:
        """A broker's status as far as the desk's readiness goes."""
        try:
            self.of(status.service).credentials()
        except AppError:
            is_set_up = False
        else:
            is_set_up = True
        return BrokerLook(
            name=status.service.title(),
            is_set_up=is_set_up,
            is_good=status.authenticated,
            expires_at=status.expires_at,
        )

    @property
    def status_is_immediate(self) -> bool:
        """Whether `desk_status` waits for nothing, so that an event loop may ask it in place."""
        return self._board.is_immediate

    def desk_status(self) -> DeskStatus:
        """The answer to the call that is made most often."""
        board = self._board.read(mode=self._mode)
        logins = {login.service: login for login in board.logins}
        errors = {
            alert.subject: alert
            for alert in board.alerts
            if alert.fingerprint.startswith(f"{ALERT_KIND}:")
        }
        now = self._clock.now()
        minutes = board.warning_minutes
        warning = timedelta(minutes=DEFAULT_WARNING if minutes is None else minutes)
        services = [
            self._status(
                service,
                logins.get(service),
                errors.get(service),
                state=_state(logins.get(service), board.ended.get(service), now, warning),
                now=now,
            )
            for service in Service
        ]
        return DeskStatus(services=services, alerts=board.alerts)

    def cleanup(self, *, actor: Actor) -> CleanupCounts:
        """End what has expired; one audit row says how many."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            counts = tx.auth.cleanup_expired_sessions(now=now)
            tx.audit.log(
                "auth",
                "cleanup",
                details={
                    "AuthSessions": counts.auth_sessions,
                    "UserSessions": counts.user_sessions,
                    "CacheEntries": counts.cache_entries,
                },
                actor=actor,
                now=now,
            )
        return counts

    def _status(
        self,
        service: Service,
        login: StoredLogin | None,
        alert: Alert | None,
        *,
        state: SessionState,
        now: datetime,
    ) -> ServiceStatus:
        valid = login is not None and now < login.expires_at
        return ServiceStatus(
            service=service,
            mode=self._mode,
            account="main",
            state=state,
            authenticated=valid,
            user_id=login.user_id if login else None,
            user_name=login.user_name if login else None,
            expires_at=login.expires_at if login else None,
            seconds_left=int((login.expires_at - now).total_seconds())
            if login is not None and valid
            else None,
            login_link=self.of(service).book.login_link(),
            last_error=alert.title if alert else None,
        )


def _state(
    login: StoredLogin | None, ended: LoginSeen | None, now: datetime, warning: timedelta
) -> SessionState:
    if login is None:
        return session_state(ended, now=now, warning=warning)
    if now >= login.expires_at:
        return SessionState.EXPIRED
    return SessionState.EXPIRING if login.expires_at - now <= warning else SessionState.ACTIVE
