"""Signing in at a broker: what Kite and Breeze share. No transaction is open while one is asked."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Generic, TypeVar

from munshi.auth.credentials import BrokerCredentials, CredentialStore
from munshi.auth.login_book import LoginBook
from munshi.domain.audit import Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession
from munshi.errors import AppError, BrokerError, BrokerSessionExpiredError, LoginNeededError
from munshi.infrastructure.brokers.results import GrantedLogin
from munshi.infrastructure.brokers.web_session import WebCredentials

WebLogin = Callable[[WebCredentials], str]
Mirror = Callable[[Service, AuthSession], None]
Client = TypeVar("Client")
Access = TypeVar("Access")
T = TypeVar("T")
LOGIN_LINK = Actor(user_id="login-link")


class BrokerLogin(ABC, Generic[Client, Access]):
    """One broker's login, however it comes in: link and redirect, token, or headless."""

    service: Service
    name: str

    def __init__(
        self,
        book: LoginBook,
        *,
        client: Client,
        credentials: CredentialStore,
        web_login: WebLogin,
        mirror: Mirror,
    ) -> None:
        self.book = book
        self._client = client
        self._credentials = credentials
        self._web_login = web_login
        self._mirror = mirror

    @abstractmethod
    def _login_page(self, api_key: str, *, state: str) -> str:
        """The broker's page, carrying `state` where the broker echoes one."""

    @abstractmethod
    def _ask(self, token: str, credentials: BrokerCredentials) -> GrantedLogin:
        """Trade the one-time token of a redirect for the day's login."""

    @abstractmethod
    def _session(self, granted: GrantedLogin, credentials: BrokerCredentials) -> BrokerSession:
        """What is stored of it, with its expiry."""

    @abstractmethod
    def _access(self, session: AuthSession, check: Callable[[], None]) -> Access:
        """What a call is made with; `check` is made before it is sent.

        Raises LoginNeededError for a login that cannot be used.
        """

    @abstractmethod
    def _try_out(self, session: AuthSession) -> None:
        """Make the broker's cheapest call with a login that may be dead; raises BrokerError."""

    def credentials(self) -> BrokerCredentials:
        """Raises CredentialsMissingError."""
        return self._credentials.get(self.service)

    def begin_login(self, *, actor: Actor) -> str:
        """The broker's login page; its redirect is accepted once, within 10 minutes.

        Raises CredentialsMissingError.
        """
        api_key = self.credentials().api_key
        state = self.book.begin(actor=actor)
        return self._login_page(api_key, state=state)

    def start_login(self, ticket: str) -> str:
        """As `begin_login`, for a person who clicked the link of a status, alert or job.

        Raises LoginNotPendingError for a ticket that is too old or not ours.
        """
        self.book.check_ticket(ticket)
        return self.begin_login(actor=LOGIN_LINK)

    def login_headless(self, *, actor: Actor) -> AuthSession:
        """Log in with the stored password and TOTP seed; the login that came meanwhile, if any.

        Raises LoginNeededError, with the link, where the user has not opted in.
        """
        web = self.credentials().for_web()
        if web is None:
            self.book.ask_for_login(f"{self.name} needs a login.")
            raise self.book.login_needed(
                f"{self.name} has no password and TOTP seed to log in with by itself."
            )
        before = self.book.find_active()
        with self.book.turn.taken() as has_waited:
            if has_waited:
                found = self.book.find_active()
                if found is not None and found != before:
                    return found
            try:
                token = self._web_login(web)
            except AppError as error:
                self.book.record_failure(error, actor=actor)
                raise
            return self._trade_now(token, way="headless", actor=actor)

    def restore(self) -> AuthSession | None:
        """The login that is still good from before the restart; the broker is not asked."""
        return self.book.find_active()

    def disconnect(self, *, actor: Actor) -> bool:
        """End the stored login; whether there was one."""
        return self.book.disconnect(actor=actor)

    @contextmanager
    def using(self) -> Iterator[Access]:
        """The login for calls to the broker; ended at once if the broker rejects it.

        Raises LoginNeededError, and passes on BrokerSessionExpiredError.
        """
        with self._with(self.book.active()) as access:
            yield access

    def calling(self, ask: Callable[[Access], T]) -> T:
        """What `ask` answers; asked once more if another login came while it was under way.

        `ask` makes one read. Raises as `using` does.
        """
        session = self.book.active()
        try:
            with self._with(session) as access:
                return ask(access)
        except (BrokerSessionExpiredError, LoginNeededError):
            newer = self.book.find_active()
            if newer is None or newer.session_id == session.session_id:
                raise
        with self._with(newer) as access:
            return ask(access)

    def probe(self) -> bool | None:
        """Try a rejected login out, once a minute at most; whether the broker takes it again.

        Then it is in force as before, and what waited goes on. None where there is nothing to
        try, or it is too early.
        """
        session = self.book.take_probe()
        if session is None:
            return None
        try:
            self._try_out(session)
        except (BrokerError, LoginNeededError):
            return False
        return self.book.revive(session)

    @contextmanager
    def _with(self, session: AuthSession) -> Iterator[Access]:
        check = partial(self.book.check_in_force, session)
        try:
            yield self._access(session, check)
        except BrokerSessionExpiredError as error:
            self.book.mark_rejected(session, error)
            raise

    def _trade(self, token: str, *, way: str, actor: Actor) -> AuthSession:
        """Raises SessionConflictError when others log in for so long that the turn never comes."""
        with self.book.turn.taken():
            return self._trade_now(token, way=way, actor=actor)

    def _trade_now(self, token: str, *, way: str, actor: Actor) -> AuthSession:
        credentials = self.credentials()
        try:
            granted = self._ask(token, credentials)
        except AppError as error:
            self.book.record_failure(error, actor=actor)
            raise
        self.book.refuse_other_user(credentials.user_id, granted.user_id, actor=actor)
        session = self.book.store(self._session(granted, credentials), way=way, actor=actor)
        self._mirror(self.service, session)
        return session


def no_check() -> None:
    """For the one call that shall be made although the login was ended."""
