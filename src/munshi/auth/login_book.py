"""What both brokers' sign-in share: pending logins, the stored session, audit and alerts."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from munshi.auth.login_ticket import check_ticket, issue_ticket
from munshi.clock import Clock, show_ist
from munshi.domain.alerts import Severity
from munshi.domain.audit import MUNSHI, Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession
from munshi.errors import (
    AppError,
    BrokerUserMismatchError,
    LoginNeededError,
    LoginNotPendingError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.vault import Vault
from munshi.settings import BrokerMode

PENDING_FOR = timedelta(minutes=10)
ALERT_KIND = "broker_login"


def alert_fingerprint(service: Service, mode: BrokerMode) -> str:
    return f"{ALERT_KIND}:{service}:{mode}:main"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginBook:
    """The desk's side of one broker's logins. It never asks the broker anything."""

    service: Service
    mode: BrokerMode
    base_url: str
    database: Database
    clock: Clock
    vault: Vault

    def login_link(self) -> str:
        """Where a person clicks to log in; it leads on to the broker."""
        ticket = issue_ticket(self.vault, self.service, mode=self.mode, now=self.clock.now())
        return f"{self.base_url}/auth/{self.service}/start?ticket={ticket}"

    def check_ticket(self, ticket: str) -> None:
        now = self.clock.now()
        check_ticket(self.vault, ticket, self.service, mode=self.mode, now=now)

    def begin(self, *, actor: Actor) -> str:
        """Open the ten minutes in which one redirect is accepted; returns the state to echo."""
        state = secrets.token_urlsafe(24)
        now = self.clock.now()
        with self.database.transaction() as tx:
            tx.logins.save_pending_login(
                self.service,
                mode=self.mode,
                state_hash=_state_hash(state),
                created_by=actor.user_id,
                expires_at=now + PENDING_FOR,
                now=now,
            )
            tx.audit.log_auth_action(self.service, "login_begun", actor=actor, now=now)
        return state

    def take_pending(self, state: str | None) -> str:
        """Use up the pending login; who began it. `state` is None for a broker that echoes none.

        Raises LoginNotPendingError.
        """
        hashed = None if state is None else _state_hash(state)
        with self.database.transaction() as tx:
            found = tx.logins.use_pending_login(
                self.service, mode=self.mode, state_hash=hashed, now=self.clock.now()
            )
        if found is None:
            raise LoginNotPendingError(
                f"No {self.service} login is waiting for this redirect.",
                hint=f"Begin one: munshi login {self.service}",
            )
        return found.created_by

    def store(self, granted: BrokerSession, *, way: str, actor: Actor) -> AuthSession:
        """Make `granted` the active login, and wake what waited for it.

        Raises SessionConflictError if another login committed first.
        """
        now = self.clock.now()
        with self.database.transaction() as tx:
            before = tx.auth.get_active_session(self.service, mode=self.mode, now=now)
            session = tx.auth.save_session(granted, now=now)
            completed, queued = tx.jobs.resume_after_login(
                self.service, result=session_result(session), now=now
            )
            tx.audit.log_auth_action(
                self.service,
                "login",
                session_id=session.session_id,
                old_session_id=before.session_id if before else None,
                user_name=session.user_name,
                details={
                    "mode": str(self.mode),
                    "way": way,
                    "expires": show_ist(session.expires_at),
                    "jobs_completed": len(completed),
                    "jobs_queued": queued,
                },
                actor=actor,
                now=now,
            )
            tx.alerts.resolve_alert(alert_fingerprint(self.service, self.mode), now=now)
        return session

    def refuse_other_user(self, expected: str | None, found: str, *, actor: Actor) -> None:
        """Raise BrokerUserMismatchError, audited, if the broker logged in somebody else."""
        if expected is None or expected == found:
            return
        error = BrokerUserMismatchError(
            f"{self.service} logged in another user than the configured {expected}.",
            hint=f"Log in as {expected}, or change the user: munshi connect {self.service}",
        )
        self.record_failure(error, actor=actor)
        raise error

    def record_failure(self, error: AppError, *, actor: Actor) -> None:
        """Audit a failed login in a transaction of its own, and raise the alert."""
        now = self.clock.now()
        with self.database.transaction() as tx:
            tx.audit.log_auth_action(
                self.service,
                "login_failed",
                details={"mode": str(self.mode), "error": error.slug(), "cause": error.detail},
                actor=actor,
                now=now,
            )
            self._raise_alert(tx, error.detail)

    def active(self) -> AuthSession:
        """The login in use.

        Raises LoginNeededError with the link.
        """
        session = self.find_active()
        if session is None:
            raise self.login_needed(f"Nobody is logged in at {self.service}.")
        return session

    def find_active(self) -> AuthSession | None:
        with self.database.reading() as tx:
            return tx.auth.get_active_session(self.service, mode=self.mode, now=self.clock.now())

    def login_needed(self, detail: str) -> LoginNeededError:
        return LoginNeededError(
            detail,
            hint=f"Open the login link, or run: munshi login {self.service}",
            login_link=self.login_link(),
        )

    def disconnect(self, *, actor: Actor) -> bool:
        """End the stored login; whether there was one."""
        now = self.clock.now()
        with self.database.transaction() as tx:
            ended = tx.auth.deactivate_session(self.service, mode=self.mode, now=now)
            if ended:
                tx.audit.log_auth_action(self.service, "disconnect", actor=actor, now=now)
        return ended

    def mark_rejected(self, session: AuthSession, error: AppError) -> None:
        """The broker no longer takes `session`: end it, once, and say where to log in."""
        now = self.clock.now()
        with self.database.transaction() as tx:
            current = tx.auth.get_active_session(self.service, mode=self.mode, now=now)
            if current is None or current.session_id != session.session_id:
                return
            tx.auth.deactivate_session(self.service, mode=self.mode, now=now)
            tx.audit.log_auth_action(
                self.service,
                "session_rejected",
                session_id=session.session_id,
                details={"cause": error.detail},
                actor=MUNSHI,
                now=now,
            )
            self._raise_alert(tx, f"{self.service} ended the login: {error.detail}")

    def ask_for_login(self, reason: str) -> None:
        """Raise the alert with the link, without any failure."""
        with self.database.transaction() as tx:
            self._raise_alert(tx, reason)

    def _raise_alert(self, tx: Transaction, title: str) -> None:
        tx.alerts.raise_alert(
            alert_fingerprint(self.service, self.mode),
            kind=ALERT_KIND,
            severity=Severity.WARNING,
            title=title,
            link=self.login_link(),
            subject=self.service,
            now=self.clock.now(),
        )


def session_result(session: AuthSession) -> Mapping[str, str]:
    """What an `auto_login` job reports."""
    return {
        "service": session.service,
        "mode": session.mode,
        "session_id": str(session.session_id),
        "expires_at": session.expires_at.isoformat(),
    }


def _state_hash(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
