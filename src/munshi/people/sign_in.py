"""Signing in and out, and giving the password again. Nothing is open while one is hashed."""

from contextlib import suppress
from dataclasses import dataclass, field

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.people import Credentials, SessionLimits, SignedIn, new_token, token_hash
from munshi.errors import (
    PasswordConfirmationNeededError,
    PasswordQueueFullError,
    SignInRefusedError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.security.passwords import PasswordHashing
from munshi.people.preferences import Preferences
from munshi.people.second_factor import use_second_factor
from munshi.people.throttle import Attempt, SignInThrottle

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A session with its token, which is nowhere else."""

    token: str = field(repr=False)
    signed_in: SignedIn
    limits: SessionLimits


class SignInService:
    """Whatever is wrong gets one answer, after one comparison of a password."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        hashing: PasswordHashing,
        throttle: SignInThrottle,
        preferences: Preferences,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hashing = hashing
        self._throttle = throttle
        self._preferences = preferences

    def sign_in(
        self,
        username: str,
        password: str,
        code: str = "",
        *,
        user_agent: str | None,
        replacing: SignedIn | None = None,
        actor: Actor,
    ) -> Granted:
        """A new session; `replacing` ends. `code` is a one-time code or a recovery code.

        Raises SignInRefusedError, SignInThrottledError, PasswordQueueFullError.
        """
        name = username.strip().lower()[:_LONGEST_NAME]
        with self._database.reading() as tx:
            found = tx.users.get_credentials(name)
        limits = self._preferences.session_limits()
        attempt = self._throttle.begin(
            name, actor.ip_address, user_id=found.user.user_id if found else None
        )
        granted = None
        if self._is_right(found, password, attempt) and found is not None:
            granted = self._enter(
                found, code, limits, user_agent=user_agent, replacing=replacing, actor=actor
            )
        if granted is None or found is None:
            self._record_failure(found, actor=actor)
            raise _refused()
        self._throttle.succeeded(attempt)
        self._renew_hash(found, password)
        return granted

    def confirm(self, who: SignedIn, password: str, code: str = "", *, actor: Actor) -> Granted:
        """The password of whoever is signed in, given again: another token for the session.

        Raises SignInRefusedError, SignInThrottledError, PasswordQueueFullError.
        """
        found, attempt = self._check(who, password, actor=actor)
        token, limits, now = new_token(), self._preferences.session_limits(), self._clock.now()
        with self._database.transaction() as tx:
            proof = use_second_factor(tx, found, code, now=now)
            rotated = proof is not None and tx.user_sessions.rotate_token(
                who.session_id, token_hash(token), now=now
            )
            if rotated:
                tx.audit.log(
                    "user", "password_confirmed", entity_id=who.username, actor=actor, now=now
                )
        if not rotated:
            self._record_failure(found, actor=actor)
            raise _refused()
        self._throttle.succeeded(attempt)
        return Granted(token=token, signed_in=who, limits=limits)

    def check_password(self, who: SignedIn, password: str, *, actor: Actor) -> Credentials:
        """What is stored of the user whose password it is. Raises as `confirm` does."""
        found, attempt = self._check(who, password, actor=actor)
        self._throttle.succeeded(attempt)
        return found

    def _check(self, who: SignedIn, password: str, *, actor: Actor) -> tuple[Credentials, Attempt]:
        with self._database.reading() as tx:
            found = tx.users.get_credentials_by_id(who.user_id)
        attempt = self._throttle.begin(who.username, actor.ip_address, user_id=who.user_id)
        if found is None or not self._is_right(found, password, attempt):
            self._record_failure(found, actor=actor)
            raise _refused()
        return found, attempt

    def require_confirmation(self, who: SignedIn) -> None:
        """Raise PasswordConfirmationNeededError unless the password was given a short while ago."""
        age = self._clock.now() - who.authenticated_at
        if age > self._preferences.confirmation_life():
            raise PasswordConfirmationNeededError(
                "This asks for your password again.", hint="POST /people/confirm, then repeat it."
            )

    def sign_out(self, who: SignedIn, *, actor: Actor) -> None:
        now = self._clock.now()
        with self._database.transaction() as tx:
            if tx.user_sessions.revoke_session(who.session_id, now=now):
                tx.audit.log("user", "signed_out", entity_id=who.username, actor=actor, now=now)

    def _is_right(self, found: Credentials | None, password: str, attempt: Attempt) -> bool:
        """Compared once, whether there is such a user or not."""
        stored = found.password_hash if found else None
        try:
            right = self._hashing.matches(stored, password)
        except PasswordQueueFullError:
            self._throttle.withdraw(attempt)
            raise
        return right and found is not None and found.user.is_active

    def _enter(
        self,
        found: Credentials,
        code: str,
        limits: SessionLimits,
        *,
        user_agent: str | None,
        replacing: SignedIn | None,
        actor: Actor,
    ) -> Granted | None:
        token, now, user = new_token(), self._clock.now(), found.user
        with self._database.transaction() as tx:
            fresh = tx.users.lock_credentials(user.user_id)
            if fresh is None or not fresh.user.is_active:
                return None
            if fresh.password_hash != found.password_hash:  # changed while we compared
                return None
            proof = use_second_factor(tx, fresh, code, now=now)
            if proof is None:
                return None
            if replacing is not None:
                tx.user_sessions.revoke_session(replacing.session_id, now=now)
            signed_in = tx.user_sessions.save_session(
                fresh.user,
                token_hash(token),
                limits=limits,
                ip_address=actor.ip_address,
                user_agent=user_agent,
                now=now,
            )
            tx.users.save_sign_in(user.user_id, now=now)
            tx.audit.log(
                "user",
                "signed_in",
                entity_id=user.username,
                details={"second_factor": proof, "session_id": str(signed_in.session_id)},
                personal={"user_agent": user_agent} if user_agent else None,
                actor=_as(user.username, actor),
                now=now,
            )
        return Granted(token=token, signed_in=signed_in, limits=limits)

    def _record_failure(self, found: Credentials | None, *, actor: Actor) -> None:
        """In a transaction of its own. What was typed as a name may be a password: not kept."""
        with self._database.transaction() as tx:
            tx.audit.log(
                "user",
                "sign_in_failed",
                entity_id=found.user.username if found else None,
                actor=actor,
                now=self._clock.now(),
            )

    def _renew_hash(self, found: Credentials, password: str) -> None:
        before = found.password_hash
        if before is None or not self._hashing.is_outdated(before):
            return
        with suppress(PasswordQueueFullError):  # the next sign-in will do
            after = self._hashing.hash(password)
            with self._database.transaction() as tx:
                tx.users.save_rehashed(found.user.user_id, before=before, after=after)


def _as(username: str, actor: Actor) -> Actor:
    return Actor(user_id=username, request_id=actor.request_id, ip_address=actor.ip_address)


def _refused() -> SignInRefusedError:
    return SignInRefusedError(
        "The name, the password or the one-time code is wrong.",
        hint="Whoever runs this desk can let you choose a new one: munshi users reset-password.",
    )
