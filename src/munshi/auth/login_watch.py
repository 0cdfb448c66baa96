"""Looks after logins: says in time that one ends, and tries a rejected one out now and then."""

from collections.abc import Callable
from datetime import datetime, timedelta

from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.auth.login_book import ALERT_KIND, EXPIRING_KIND, LoginBook
from munshi.clock import Clock, show_ist
from munshi.config.service import ConfigService
from munshi.domain.alerts import Severity
from munshi.domain.config_keys import AUTH, EXPIRY_WARNING_MINUTES
from munshi.domain.enums import Service
from munshi.domain.sessions import LoginSeen, SessionState, session_state
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode


class LoginWatch:
    """What the job `session_watch` does. Any number of processes may look at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mode: BrokerMode,
        config: ConfigService,
        kite: KiteDBService,
        breeze: BreezeDBService,
        is_trading_day: Callable[[datetime], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._mode = mode
        self._config = config
        self._brokers = (kite, breeze)
        self._is_trading_day = is_trading_day

    def look(self) -> dict[Service, SessionState]:
        """Each broker's state afterwards. What is to be said of a login is said once."""
        return {broker.service: self._look(broker) for broker in self._brokers}

    def _look(self, broker: KiteDBService | BreezeDBService) -> SessionState:
        login, state = self._state(broker.service)
        if state is SessionState.REJECTED and broker.probe():
            login, state = self._state(broker.service)
        if login is not None:
            now = self._clock.now()
            _tell(broker.book, login, state, now=now, is_trading_day=self._is_trading_day(now))
        return state

    def _state(self, service: Service) -> tuple[LoginSeen | None, SessionState]:
        minutes: int = self._config.value(AUTH, EXPIRY_WARNING_MINUTES)
        with self._database.reading() as tx:
            login = tx.login_states.get_last_login(service, mode=self._mode)
        warning = timedelta(minutes=minutes)
        return login, session_state(login, now=self._clock.now(), warning=warning)


def _tell(
    book: LoginBook,
    login: LoginSeen,
    state: SessionState,
    *,
    now: datetime,
    is_trading_day: bool,
) -> None:
    at = show_ist(login.expires_at)
    if state is SessionState.EXPIRING:
        minutes = max(1, round((login.expires_at - now).total_seconds() / 60))
        title = f"The login at {book.service} ends in {minutes} minutes, at {at}."
        kind = EXPIRING_KIND if is_trading_day else ALERT_KIND
        book.tell(login.session_id, state, title, severity=Severity.INFO, kind=kind)
    elif state is SessionState.EXPIRED:
        title = f"The login at {book.service} ended at {at}. Log in again."
        book.tell(login.session_id, state, title, severity=Severity.WARNING)
