"""What both brokers' sign-in share: pending logins, the stored session, audit and alerts."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from munshi.auth.login_ticket import check_ticket, issue_ticket
from munshi.auth.login_turn import LoginTurn
from munshi.clock import Clock, show_ist
from munshi.domain.alerts import BROKER_LOGIN_KIND, Severity
from munshi.domain.audit import MUNSHI, Actor
from munshi.domain.enums import Service
from munshi.domain.sessions import AuthSession, BrokerSession, SessionState
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
PROBES_APART = timedelta(minutes=1)
ALERT_KIND = BROKER_LOGIN_KIND
# These have rules of their own; all of them are about one thing, and one login ends them.
EXPIRING_KIND, REJECTED_KIND, FAILED_KIND = "session_expiring", "session_rejected", "login_failed"


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

    @property
    def turn(self) -> LoginTurn:
        """Who logs in takes it first."""
        return LoginTurn(self.service, self.database, self.clock, mode=self.mode)

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
            tx.login_states.clear_rejection(self.service, mode=self.mode, now=now)
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
            self._raise_alert(tx, error.detail, kind=FAILED_KIND)

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

    def check_in_force(self, session: AuthSession) -> None:
        """Raise LoginNeededError if `session` was ended since it was looked up.

        A call may wait for its permit for a minute; what was rejected meanwhile is not sent.
        """
        with self.database.observing() as tx:
            is_good = tx.auth.is_session_good(session.session_id, now=self.clock.now())
        if not is_good:
            raise self.login_needed(f"The login at {self.service} ended before the call was made.")

    def mark_rejected(self, session: AuthSession, error: AppError) -> bool:
        """The broker no longer takes `session`: end it, once, and say where to log in.

        Whether the caller was the one who ended it; a login that replaced it goes on.
        """
        now = self.clock.now()
        with self.database.transaction() as tx:
            if not tx.auth.end_session(session.session_id, now=now):
                return False
            tx.login_states.save_rejection(
                self.service, session.session_id, why=error.detail, mode=self.mode, now=now
            )
            tx.audit.log_auth_action(
                self.service,
                "session_rejected",
                session_id=session.session_id,
                details={"cause": error.detail},
                actor=MUNSHI,
                now=now,
            )
            said = f"{self.service} ended the login: {error.detail}"
            self._raise_alert(tx, said, kind=REJECTED_KIND)
        return True

    def take_probe(self) -> AuthSession | None:
        """The rejected login, if this caller may try it out now: one process, once a minute."""
        now = self.clock.now()
        with self.database.transaction() as tx:
            found = tx.login_states.get_rejection(self.service, mode=self.mode)
            if found is None or now - found.probed_at < PROBES_APART:
                return None
            session = tx.auth.get_session(found.session_id)
            if session is None or now >= session.expires_at:
                return None
            is_mine = tx.login_states.take_probe(
                self.service, found.session_id, apart=PROBES_APART, mode=self.mode, now=now
            )
        return session if is_mine else None

    def revive(self, session: AuthSession) -> bool:
        """The broker takes the rejected `session` again: back in force, and what waited wakes.

        False if another login came first, or it has expired.
        """
        now = self.clock.now()
        with self.database.transaction() as tx:
            if not tx.auth.revive_session(session.session_id, now=now):
                return False
            tx.login_states.clear_rejection(self.service, mode=self.mode, now=now)
            completed, queued = tx.jobs.resume_after_login(
                self.service, result=session_result(session), now=now
            )
            tx.audit.log_auth_action(
                self.service,
                "session_revived",
                session_id=session.session_id,
                details={"jobs_completed": len(completed), "jobs_queued": queued},
                actor=MUNSHI,
                now=now,
            )
            tx.alerts.resolve_alert(alert_fingerprint(self.service, self.mode), now=now)
        return True

    def ask_for_login(self, reason: str) -> str:
        """Raise the alert with the link, without any failure; an open one keeps its words.

        The link.
        """
        with self.database.transaction() as tx:
            said = tx.alerts.get_open_title(alert_fingerprint(self.service, self.mode))
            self._raise_alert(tx, said or reason)
        return self.login_link()

    def tell(
        self,
        session_id: UUID,
        state: SessionState,
        title: str,
        *,
        severity: Severity,
        kind: str = ALERT_KIND,
    ) -> bool:
        """Raise the alert that a login is in `state`, once for that login; whether it was now."""
        now = self.clock.now()
        with self.database.transaction() as tx:
            is_news = tx.login_states.take_telling(
                self.service, session_id, state, mode=self.mode, now=now
            )
            if is_news:
                self._raise_alert(tx, title, severity=severity, kind=kind)
        return is_news

    def _raise_alert(
        self,
        tx: Transaction,
        title: str,
        *,
        severity: Severity = Severity.WARNING,
        kind: str = ALERT_KIND,
    ) -> None:
        tx.alerts.raise_alert(
            alert_fingerprint(self.service, self.mode),
            kind=kind,
            severity=severity,
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
