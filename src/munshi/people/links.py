"""One-time links: whoever holds one chooses a password, or becomes the first administrator."""

from datetime import datetime, timedelta

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.people import SignedIn, User, new_token, read_username, token_hash
from munshi.domain.roles import Role
from munshi.errors import SessionUnknownError, SetupLinkInvalidError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.setup_link_repository import SetupLink
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.password_rules import check_password
from munshi.infrastructure.security.passwords import PasswordHashing
from munshi.people.preferences import Preferences
from munshi.people.sign_in import Granted, SignInService


def save_link(
    tx: Transaction, *, user: User | None, life: timedelta, actor: Actor, now: datetime
) -> str:
    """The token of a new link, in an open transaction; links before it end."""
    token = new_token()
    tx.setup_links.save_link(
        token_hash(token),
        user_id=user.user_id if user else None,
        created_by=actor.user_id,
        expires_at=now + life,
        now=now,
    )
    tx.audit.log(
        "user",
        "link_made",
        entity_id=user.username if user else None,
        details={"expires_at": now + life},
        actor=actor,
        now=now,
    )
    return token


class PasswordService:
    """Choosing a password by a link, and changing it. Nothing is open while one is hashed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        hashing: PasswordHashing,
        sign_ins: SignInService,
        preferences: Preferences,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hashing = hashing
        self._sign_ins = sign_ins
        self._preferences = preferences

    def first_link(self, *, actor: Actor) -> str | None:
        """The token of a link that makes the first administrator; None once there is a user."""
        life, now = self._preferences.link_life(), self._clock.now()
        with self._database.transaction() as tx:
            if tx.users.count_users():
                return None
            return save_link(tx, user=None, life=life, actor=actor, now=now)

    def look_at(self, token: str) -> User | None:
        """Whose password the link lets one choose; None for the first administrator.

        Raises SetupLinkInvalidError.
        """
        with self._database.reading() as tx:
            link = self._find(tx, token, now=self._clock.now())
            return None if link.user_id is None else tx.users.get_user_by_id(link.user_id)

    def choose(self, token: str, password: str, *, username: str = "", actor: Actor) -> User:
        """Use the link, once. `username` is what the first administrator wants to be called.

        Raises SetupLinkInvalidError, UserNameInvalidError, PasswordUnfitError.
        """
        user = self.look_at(token)
        name = read_username(username) if user is None else user.username
        hashed = self._hashed(name, password)
        now = self._clock.now()
        who = Actor(user_id=name, request_id=actor.request_id, ip_address=actor.ip_address)
        with self._database.transaction() as tx:
            if not tx.setup_links.use_link(token_hash(token), now=now):
                raise _invalid()
            if user is None:
                return self._make_first(tx, name, hashed, actor=who, now=now)
            tx.users.save_password(user.user_id, hashed, now=now)
            tx.user_sessions.revoke_sessions_of(user.user_id, now=now)
            tx.audit.log("user", "password_chosen", entity_id=name, actor=who, now=now)
        return user

    def change(self, who: SignedIn, old: str, new: str, *, actor: Actor) -> Granted:
        """Another password: other sessions end, and this one goes on under another token.

        Raises SignInRefusedError, SignInThrottledError, PasswordUnfitError, and
        SessionUnknownError if somebody ended the session or the password meanwhile.
        """
        checked = self._sign_ins.check_password(who, old, actor=actor)
        hashed, limits = self._hashed(who.username, new), self._preferences.session_limits()
        token, now = new_token(), self._clock.now()
        with self._database.transaction() as tx:
            found = tx.users.lock_credentials(who.user_id)
            goes_on = tx.user_sessions.rotate_token(who.session_id, token_hash(token), now=now)
            if found is None or found.password_hash != checked.password_hash or not goes_on:
                raise SessionUnknownError("The session ended meanwhile.", hint="Sign in again.")
            tx.users.save_password(who.user_id, hashed, now=now)
            tx.user_sessions.revoke_sessions_of(who.user_id, except_for=who.session_id, now=now)
            tx.audit.log("user", "password_changed", entity_id=who.username, actor=actor, now=now)
        return Granted(token=token, signed_in=who, limits=limits)

    def _make_first(
        self, tx: Transaction, name: str, hashed: str, *, actor: Actor, now: datetime
    ) -> User:
        if tx.users.count_users():
            raise _invalid()
        user = tx.users.save_user(
            name, role=Role.ADMIN, password_hash=hashed, created_by=name, now=now
        )
        tx.audit.log(
            "user",
            "added",
            entity_id=name,
            new_value={"role": Role.ADMIN.word},
            details={"by": "one-time link"},
            actor=actor,
            now=now,
        )
        return user

    def _find(self, tx: Transaction, token: str, *, now: datetime) -> SetupLink:
        link = tx.setup_links.get_link(token_hash(token), now=now)
        if link is None or (link.user_id is None and tx.users.count_users()):
            raise _invalid()
        return link

    def _hashed(self, username: str, password: str) -> str:
        check_password(password, username=username, shortest=self._preferences.shortest_password())
        return self._hashing.hash(password)


def _invalid() -> SetupLinkInvalidError:
    return SetupLinkInvalidError(
        "The link was used already, has expired or was replaced by a newer one.",
        hint="For a new one: munshi users reset-password NAME; the very first is printed by "
        "munshi serve.",
    )
