"""Breeze sign-in. No transaction is open while Breeze is asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from munshi.auth.broker_login import LoginBook
from munshi.auth.credentials import BrokerCredentials, CredentialStore
from munshi.auth.kite_db_service import Mirror, WebLogin
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession, breeze_expiry
from munshi.errors import AppError, BrokerSessionExpiredError
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.results import GrantedLogin


class BreezeDBService:
    """Breeze's login: link, exchange of the API session, storage, state."""

    service = Service.BREEZE

    def __init__(
        self,
        book: LoginBook,
        *,
        client: BreezeClient,
        credentials: CredentialStore,
        web_login: WebLogin,
        mirror: Mirror,
    ) -> None:
        self.book = book
        self._client = client
        self._credentials = credentials
        self._web_login = web_login
        self._mirror = mirror

    def credentials(self) -> BrokerCredentials:
        return self._credentials.get(Service.BREEZE)

    def begin_login(self, *, actor: Actor) -> str:
        """ICICI's login page; its redirect is accepted within 10 minutes. It echoes no state.

        Raises CredentialsMissingError.
        """
        app_key = self.credentials().api_key
        self.book.begin(actor=actor)
        return self._client.login_url(app_key)

    def start_login(self, ticket: str) -> str:
        """As `begin_login`, for a person who clicked the link of a status, alert or job.

        Raises LoginNotPendingError for a ticket that is too old or not ours.
        """
        self.book.check_ticket(ticket)
        return self.begin_login(actor=Actor(user_id="login-link"))

    def complete_redirect(self, api_session: str) -> AuthSession:
        """Take ICICI's redirect, if an operator began a login."""
        began = self.book.take_pending(None)
        return self.login(api_session=api_session, actor=Actor(user_id=began), way="redirect")

    def login(self, *, api_session: str, actor: Actor, way: str = "token") -> AuthSession:
        """Exchange an API session for the day's login and store it.

        Raises BrokerLoginRefusedError, BrokerUserMismatchError, SessionConflictError.
        """
        credentials = self.credentials()
        granted = self._exchange(api_session, credentials, actor=actor)
        self.book.refuse_other_user(credentials.user_id, granted.user_id, actor=actor)
        now = self.book.clock.now()
        session = self.book.store(
            BrokerSession(
                service=Service.BREEZE,
                mode=self.book.mode,
                access_token=granted.access_token,
                session_token=granted.session_token,
                user_id=granted.user_id,
                user_name=granted.user_name,
                expires_at=breeze_expiry(now),
                metadata={**granted.metadata, "api_key": credentials.api_key},
            ),
            way=way,
            actor=actor,
        )
        self._mirror(Service.BREEZE, session)
        return session

    def login_headless(self, *, actor: Actor) -> AuthSession:
        """Log in with the stored password and TOTP seed.

        Raises LoginNeededError, with the link, where the user has not opted in.
        """
        web = self.credentials().for_web()
        if web is None:
            self.book.ask_for_login("Breeze needs a login.")
            raise self.book.login_needed("Breeze has no stored password and TOTP seed to use.")
        try:
            api_session = self._web_login(web)
        except AppError as error:
            self.book.record_failure(error, actor=actor)
            raise
        return self.login(api_session=api_session, actor=actor, way="headless")

    def restore(self) -> AuthSession | None:
        """The login that is still good from before the restart."""
        return self.book.find_active()

    @contextmanager
    def using(self) -> Iterator[BreezeAccess]:
        """The login for calls to Breeze; ended at once if Breeze rejects it.

        Raises LoginNeededError, and passes on BrokerSessionExpiredError.
        """
        session = self.book.active()
        if session.session_token is None:
            raise self.book.login_needed("The stored Breeze login is incomplete.")
        credentials = self.credentials()
        if credentials.api_key != session.metadata["api_key"]:
            raise self.book.login_needed("Breeze's app key was changed after the login.")
        try:
            yield BreezeAccess(
                app_key=credentials.api_key,
                secret_key=credentials.api_secret,
                session_token=session.session_token,
            )
        except BrokerSessionExpiredError as error:
            self.book.mark_rejected(session, error)
            raise

    def disconnect(self, *, actor: Actor) -> bool:
        """End the stored login; whether there was one. Breeze has no way to log out."""
        return self.book.disconnect(actor=actor)

    def _exchange(
        self, api_session: str, credentials: BrokerCredentials, *, actor: Actor
    ) -> GrantedLogin:
        try:
            return self._client.customer_details(api_session, app_key=credentials.api_key)
        except AppError as error:
            self.book.record_failure(error, actor=actor)
            raise
