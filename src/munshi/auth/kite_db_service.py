"""Kite sign-in. No transaction is open while Kite is asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from munshi.auth.broker_login import LoginBook
from munshi.auth.credentials import BrokerCredentials, CredentialStore
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession, kite_expiry
from munshi.errors import AppError, BrokerError, BrokerSessionExpiredError
from munshi.infrastructure.brokers.kite.access import KiteAccess
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.results import GrantedLogin
from munshi.infrastructure.brokers.web_session import WebCredentials

WebLogin = Callable[[WebCredentials], str]
Mirror = Callable[[Service, AuthSession], None]


class KiteDBService:
    """Kite's login: link, exchange of the request token, storage, state."""

    service = Service.KITE

    def __init__(
        self,
        book: LoginBook,
        *,
        client: KiteClient,
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
        return self._credentials.get(Service.KITE)

    def begin_login(self, *, actor: Actor) -> str:
        """Kite's login page, with the state that its redirect must bring back within 10 minutes.

        Raises CredentialsMissingError.
        """
        api_key = self.credentials().api_key
        state = self.book.begin(actor=actor)
        return self._client.login_url(api_key, redirect_params={"state": state})

    def start_login(self, ticket: str) -> str:
        """As `begin_login`, for a person who clicked the link of a status, alert or job.

        Raises LoginNotPendingError for a ticket that is too old or not ours.
        """
        self.book.check_ticket(ticket)
        return self.begin_login(actor=Actor(user_id="login-link"))

    def complete_redirect(self, request_token: str, state: str | None) -> AuthSession:
        """Take Kite's redirect, if an operator began a login with this state."""
        began = self.book.take_pending(state or "")
        return self.login(request_token=request_token, actor=Actor(user_id=began), way="redirect")

    def login(self, *, request_token: str, actor: Actor, way: str = "token") -> AuthSession:
        """Exchange a request token for the day's login and store it.

        Raises BrokerLoginRefusedError, BrokerUserMismatchError, SessionConflictError.
        """
        credentials = self.credentials()
        granted = self._exchange(request_token, credentials, actor=actor)
        self.book.refuse_other_user(credentials.user_id, granted.user_id, actor=actor)
        now = self.book.clock.now()
        session = self.book.store(
            BrokerSession(
                service=Service.KITE,
                mode=self.book.mode,
                access_token=granted.access_token,
                user_id=granted.user_id,
                user_name=granted.user_name,
                expires_at=kite_expiry(now),
                metadata={**granted.metadata, "api_key": credentials.api_key},
            ),
            way=way,
            actor=actor,
        )
        self._mirror(Service.KITE, session)
        return session

    def login_headless(self, *, actor: Actor) -> AuthSession:
        """Log in with the stored password and TOTP seed.

        Raises LoginNeededError, with the link, where the user has not opted in.
        """
        web = self.credentials().for_web()
        if web is None:
            self.book.ask_for_login("Kite needs a login.")
            raise self.book.login_needed("Kite has no stored password and TOTP seed to use.")
        try:
            request_token = self._web_login(web)
        except AppError as error:
            self.book.record_failure(error, actor=actor)
            raise
        return self.login(request_token=request_token, actor=actor, way="headless")

    def restore(self) -> AuthSession | None:
        """The login that is still good from before the restart."""
        return self.book.find_active()

    @contextmanager
    def using(self) -> Iterator[KiteAccess]:
        """The login for calls to Kite; ended at once if Kite rejects it.

        Raises LoginNeededError, and passes on BrokerSessionExpiredError.
        """
        session = self.book.active()
        try:
            yield KiteAccess(api_key=session.metadata["api_key"], access_token=session.access_token)
        except BrokerSessionExpiredError as error:
            self.book.mark_rejected(session, error)
            raise

    def disconnect(self, *, actor: Actor) -> bool:
        """Log out at Kite, if it answers, and end the stored login; whether there was one."""
        session = self.book.find_active()
        if session is not None:
            self._log_out(session)
        return self.book.disconnect(actor=actor)

    def _log_out(self, session: AuthSession) -> None:
        access = KiteAccess(api_key=session.metadata["api_key"], access_token=session.access_token)
        try:
            self._client.invalidate(access)
        except BrokerError:
            # The desk forgets the login whether or not Kite can be told; it dies by the clock.
            return

    def _exchange(
        self, request_token: str, credentials: BrokerCredentials, *, actor: Actor
    ) -> GrantedLogin:
        try:
            return self._client.exchange_request_token(
                request_token, api_key=credentials.api_key, api_secret=credentials.api_secret
            )
        except AppError as error:
            self.book.record_failure(error, actor=actor)
            raise
