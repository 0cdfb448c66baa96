"""Adding, changing and removing users. Whoever loses something loses the open sessions too."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.people import User, read_username
from munshi.domain.roles import Role
from munshi.errors import LastAdminError, UserUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction
from munshi.infrastructure.security.password_rules import check_password
from munshi.infrastructure.security.passwords import PasswordHashing
from munshi.people.links import save_link
from munshi.people.preferences import Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A user and the token of the one-time link to choose a password, which is shown once.

    None where a password was given.
    """

    user: User
    token: str | None = field(repr=False)


class UserService:
    """Users as administrators see them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        hashing: PasswordHashing,
        preferences: Preferences,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hashing = hashing
        self._preferences = preferences

    def list_users(self) -> list[User]:
        """By name."""
        with self._database.reading() as tx:
            return tx.users.list_users()

    def get(self, username: str) -> User:
        """Raises UserUnknownError."""
        with self._database.reading() as tx:
            return _find(tx, username)

    def has_users(self) -> bool:
        with self._database.reading() as tx:
            return tx.users.count_users() > 0

    def add(
        self, username: str, role: Role, *, password: str | None = None, actor: Actor
    ) -> Invitation:
        """A new user, who chooses a password by a one-time link unless one is given.

        Raises UserNameInvalidError, UserExistsError, PasswordUnfitError.
        """
        name, life = read_username(username), self._preferences.link_life()
        hashed = None if password is None else self._hashed(name, password)
        now = self._clock.now()
        with self._database.transaction() as tx:
            user = tx.users.save_user(
                name, role=role, password_hash=hashed, created_by=actor.user_id, now=now
            )
            tx.audit.log(
                "user", "added", entity_id=name, new_value=_shown(user), actor=actor, now=now
            )
            token = None
            if hashed is None:
                token = save_link(tx, user=user, life=life, actor=actor, now=now)
        return Invitation(user=user, token=token)

    def set_role(self, username: str, role: Role, *, actor: Actor) -> User:
        """Sessions end. Raises UserUnknownError and LastAdminError."""

        def change(tx: Transaction, user: User, now: datetime) -> None:
            if role is not Role.ADMIN:
                _keep_an_admin(tx, user)
            tx.users.save_role(user.user_id, role, now=now)

        return self._change(username, "role_changed", change, actor=actor)

    def disable(self, username: str, *, actor: Actor) -> User:
        """The user's sessions end and the keys open nothing. Raises as `set_role` does."""

        def change(tx: Transaction, user: User, now: datetime) -> None:
            _keep_an_admin(tx, user)
            tx.users.save_active(user.user_id, is_active=False, now=now)

        return self._change(username, "disabled", change, actor=actor)

    def enable(self, username: str, *, actor: Actor) -> User:
        """Raises UserUnknownError."""

        def change(tx: Transaction, user: User, now: datetime) -> None:
            tx.users.save_active(user.user_id, is_active=True, now=now)

        return self._change(username, "enabled", change, actor=actor)

    def reset_second_factor(self, username: str, *, actor: Actor) -> User:
        """For whoever lost authenticator and recovery codes. Raises UserUnknownError."""

        def change(tx: Transaction, user: User, now: datetime) -> None:
            tx.users.disable_totp(user.user_id, now=now)

        return self._change(username, "totp_reset", change, actor=actor)

    def reset_password(self, username: str, *, actor: Actor) -> Invitation:
        """The password ends with the sessions; the link lets the user choose another.

        Raises UserUnknownError.
        """
        tokens, life = [], self._preferences.link_life()

        def change(tx: Transaction, user: User, now: datetime) -> None:
            tx.users.save_password(user.user_id, None, now=now)
            tokens.append(save_link(tx, user=user, life=life, actor=actor, now=now))

        user = self._change(username, "password_reset", change, actor=actor)
        return Invitation(user=user, token=tokens[0])

    def set_password(self, username: str, password: str, *, actor: Actor) -> User:
        """What the owner of the machine may do. Raises UserUnknownError, PasswordUnfitError."""
        hashed = self._hashed(self.get(username).username, password)

        def change(tx: Transaction, user: User, now: datetime) -> None:
            tx.users.save_password(user.user_id, hashed, now=now)

        return self._change(username, "password_reset", change, actor=actor)

    def remove(self, username: str, *, actor: Actor) -> None:
        """With sessions, keys and links; the audit trail stays. Raises as `set_role` does."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            user = _find(tx, username)
            _keep_an_admin(tx, user)
            tx.users.delete_user(user.user_id)
            tx.audit.log(
                "user",
                "removed",
                entity_id=user.username,
                old_value=_shown(user),
                actor=actor,
                now=now,
            )

    def _change(
        self,
        username: str,
        action: str,
        change: Callable[[Transaction, User, datetime], None],
        *,
        actor: Actor,
    ) -> User:
        now = self._clock.now()
        with self._database.transaction() as tx:
            before = _find(tx, username)
            change(tx, before, now)
            tx.user_sessions.revoke_sessions_of(before.user_id, now=now)
            after = _find(tx, username)
            tx.audit.log(
                "user",
                action,
                entity_id=after.username,
                old_value=_shown(before),
                new_value=_shown(after),
                actor=actor,
                now=now,
            )
        return after

    def _hashed(self, username: str, password: str) -> str:
        check_password(password, username=username, shortest=self._preferences.shortest_password())
        return self._hashing.hash(password)


def _find(tx: Transaction, username: str) -> User:
    user = tx.users.get_user(username.strip().lower())
    if user is None:
        raise UserUnknownError(
            f"There is no user {username.strip()[:50]!r}.", hint="See: munshi users list"
        )
    return user


def _keep_an_admin(tx: Transaction, user: User) -> None:
    """Raise LastAdminError if nobody else could administer the desk afterwards."""
    admins = tx.users.lock_admins()
    if admins and admins <= {user.user_id}:
        raise LastAdminError(
            f"{user.username} is the last administrator who can sign in.",
            hint="Make another one first: munshi users add NAME --role admin",
        )


def _shown(user: User) -> dict[str, object]:
    return {
        "role": user.role.word,
        "is_active": user.is_active,
        "has_password": user.has_password,
        "has_totp": user.has_totp,
    }
