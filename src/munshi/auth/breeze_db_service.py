"""Breeze sign-in. No transaction is open while Breeze is asked."""

from collections.abc import Callable

from munshi.auth.broker_login import BrokerLogin
from munshi.auth.credentials import BrokerCredentials
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession, breeze_expiry
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.results import GrantedLogin


class BreezeDBService(BrokerLogin[BreezeClient, BreezeAccess]):
    """Breeze's login: link, exchange of the API session, storage, state."""

    service = Service.BREEZE
    name = "Breeze"

    def complete_redirect(self, api_session: str) -> AuthSession:
        """Take ICICI's redirect, which echoes no state, if an operator began a login.

        Raises LoginNotPendingError, and what `login` raises.
        """
        began = self.book.take_pending(None)
        return self._trade(api_session, way="redirect", actor=Actor(user_id=began))

    def login(self, *, api_session: str, actor: Actor) -> AuthSession:
        """Exchange an API session for the day's login and store it.

        Raises BrokerLoginRefusedError, BrokerUserMismatchError, SessionConflictError.
        """
        return self._trade(api_session, way="token", actor=actor)

    def _login_page(self, api_key: str, *, state: str) -> str:  # noqa: ARG002 - ICICI echoes none
        return self._client.login_url(api_key)

    def _ask(self, token: str, credentials: BrokerCredentials) -> GrantedLogin:
        return self._client.customer_details(token, app_key=credentials.api_key)

    def _session(self, granted: GrantedLogin, credentials: BrokerCredentials) -> BrokerSession:
        return BrokerSession(
            service=Service.BREEZE,
            mode=self.book.mode,
            access_token=granted.access_token,
            session_token=granted.session_token,
            user_id=granted.user_id,
            user_name=granted.user_name,
            expires_at=breeze_expiry(granted.granted_at or self.book.clock.now()),
            metadata={**granted.metadata, "api_key": credentials.api_key},
        )

    def _access(self, session: AuthSession, check: Callable[[], None]) -> BreezeAccess:
        if session.session_token is None:
            raise self.book.login_needed("The stored Breeze login is incomplete.")
        credentials = self.credentials()
        if credentials.api_key != session.metadata["api_key"]:
            raise self.book.login_needed("Breeze's app key was changed after the login.")
        return BreezeAccess(
            app_key=credentials.api_key,
            secret_key=credentials.api_secret,
            session_token=session.session_token,
            check=check,
        )

    def _try_out(self, session: AuthSession) -> None:
        self._client.customer_details(session.access_token, app_key=session.metadata["api_key"])
