"""Kite sign-in. No transaction is open while Kite is asked."""

from collections.abc import Callable
from contextlib import suppress

from munshi.auth.broker_login import BrokerLogin, no_check
from munshi.auth.credentials import BrokerCredentials
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession, kite_expiry
from munshi.errors import BrokerError
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.results import GrantedLogin


class KiteDBService(BrokerLogin[KiteClient, KiteAccess]):
    """Kite's login: link, exchange of the request token, storage, state."""

    service = Service.KITE
    name = "Kite"

    def complete_redirect(self, request_token: str, state: str | None) -> AuthSession:
        """Take Kite's redirect, if an operator began a login with this state.

        Raises LoginNotPendingError, and what `login` raises.
        """
        began = self.book.take_pending(state or "")
        return self._trade(request_token, way="redirect", actor=Actor(user_id=began))

    def login(self, *, request_token: str, actor: Actor) -> AuthSession:
        """Exchange a request token for the day's login and store it.

        Raises BrokerLoginRefusedError, BrokerUserMismatchError, SessionConflictError.
        """
        return self._trade(request_token, way="token", actor=actor)

    def disconnect(self, *, actor: Actor) -> bool:
        """Log out at Kite, if it answers, and end the stored login; whether there was one."""
        session = self.book.find_active()
        if session is not None:
            # The desk forgets the login whether or not Kite can be told; it dies by the clock.
            with suppress(BrokerError):
                self._client.invalidate(_access(session, no_check))
        return super().disconnect(actor=actor)

    def _login_page(self, api_key: str, *, state: str) -> str:
        return self._client.login_url(api_key, redirect_params={"state": state})

    def _ask(self, token: str, credentials: BrokerCredentials) -> GrantedLogin:
        return self._client.exchange_request_token(
            token, api_key=credentials.api_key, api_secret=credentials.api_secret
        )

    def _session(self, granted: GrantedLogin, credentials: BrokerCredentials) -> BrokerSession:
        return BrokerSession(
            service=Service.KITE,
            mode=self.book.mode,
            access_token=granted.access_token,
            user_id=granted.user_id,
            user_name=granted.user_name,
            expires_at=kite_expiry(granted.granted_at or self.book.clock.now()),
            metadata={**granted.metadata, "api_key": credentials.api_key},
        )

    def _access(self, session: AuthSession, check: Callable[[], None]) -> KiteAccess:
        return _access(session, check)

    def _try_out(self, session: AuthSession) -> None:
        self._client.profile(_access(session, no_check))


def _access(session: AuthSession, check: Callable[[], None]) -> KiteAccess:
    return KiteAccess(
        api_key=session.metadata["api_key"], access_token=session.access_token, check=check
    )
