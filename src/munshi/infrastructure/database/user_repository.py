"""SQL for Users and UserRecoveryCodes."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.people import Credentials, User
from munshi.domain.roles import Role
from munshi.errors import UserExistsError
from munshi.infrastructure.database.models import user_recovery_codes, users
from munshi.infrastructure.security.vault import Sealed, Vault

_TABLE = "Users"
_SHOWN = (
    users.c.user_id,
    users.c.username,
    users.c.role,
    users.c.is_active,
    users.c.password_hash.is_not(None).label("has_password"),
    users.c.totp_seed.is_not(None).label("has_totp"),
    users.c.created_by,
    users.c.created_at,
    users.c.last_sign_in_at,
)
_this = users.c.user_id == bindparam("row")
_BY_NAME = select(*_SHOWN).where(users.c.username == bindparam("name"))
_BY_ID = select(*_SHOWN).where(_this)
_LIST = select(*_SHOWN).order_by(users.c.username)
_CREDENTIALS = select(*_SHOWN, users.c.password_hash, users.c.totp_seed)
_CREDENTIALS_BY_NAME = _CREDENTIALS.where(users.c.username == bindparam("name"))
_CREDENTIALS_BY_ID = _CREDENTIALS.where(_this)
# Whoever lets a user in, and whoever shuts them out, go one after the other.
_LOCK_CREDENTIALS = _CREDENTIALS_BY_ID.with_for_update().with_hint(users, "WITH (UPDLOCK)", "mssql")
_OFFERED = select(users.c.totp_offered).where(_this)
_COUNT = select(func.count()).select_from(users)
# Two administrators who end each other must not both succeed.
_LOCK_ADMINS = (
    select(users.c.user_id)
    .where(users.c.role == Role.ADMIN.word, users.c.is_active, users.c.password_hash.is_not(None))
    .order_by(users.c.user_id)
    .with_for_update()
    .with_hint(users, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
)
_INSERT = insert(users)
_DELETE = delete(users).where(_this)
_SET_ROLE = update(users).where(_this).values(role=bindparam("to"), updated_at=bindparam("now"))
_SET_ACTIVE = (
    update(users).where(_this).values(is_active=bindparam("to"), updated_at=bindparam("now"))
)
_SET_PASSWORD = (
    update(users)
    .where(_this)
    .values(
        password_hash=bindparam("to"),
        password_changed_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
_REHASH = (
    update(users)
    .where(_this, users.c.password_hash == bindparam("before"))
    .values(password_hash=bindparam("to"))
)
_SIGNED_IN = update(users).where(_this).values(last_sign_in_at=bindparam("now"))
_OFFER_TOTP = (
    update(users)
    .where(_this, users.c.totp_seed.is_(None))
    .values(totp_offered=bindparam("to"), updated_at=bindparam("now"))
)
_ENABLE_TOTP = (
    update(users)
    .where(_this, users.c.totp_seed.is_(None), users.c.totp_offered.is_not(None))
    .values(
        totp_seed=bindparam("to"),
        totp_offered=None,
        totp_last_step=bindparam("step"),
        updated_at=bindparam("now"),
    )
)
_DISABLE_TOTP = (
    update(users)
    .where(_this)
    .values(totp_seed=None, totp_offered=None, totp_last_step=None, updated_at=bindparam("now"))
)
_USE_STEP = (
    update(users)
    .where(
        _this,
        users.c.totp_seed.is_not(None),
        or_(users.c.totp_last_step.is_(None), users.c.totp_last_step < bindparam("step")),
    )
    .values(totp_last_step=bindparam("step"))
)
_codes = user_recovery_codes.c.user_id == bindparam("row")
_ADD_CODE = insert(user_recovery_codes)
_DROP_CODES = delete(user_recovery_codes).where(_codes)
_USE_CODE = (
    update(user_recovery_codes)
    .where(
        _codes,
        user_recovery_codes.c.code_hash == bindparam("code"),
        user_recovery_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)
_CODES_LEFT = (
    select(func.count())
    .select_from(user_recovery_codes)
    .where(_codes, user_recovery_codes.c.used_at.is_(None))
)


class UserRepository:
    """Users. A TOTP seed enters and leaves the table sealed.

    `vault` is asked for when the first seed is met: everything else can be read without.
    """

    def __init__(self, connection: Connection, vault: Callable[[], Vault]) -> None:
        self._connection = connection
        self._vault = vault

    def get_user(self, username: str) -> User | None:
        row = self._connection.execute(_BY_NAME, {"name": username}).one_or_none()
        return None if row is None else _user(row)

    def get_user_by_id(self, user_id: UUID) -> User | None:
        row = self._connection.execute(_BY_ID, {"row": user_id}).one_or_none()
        return None if row is None else _user(row)

    def list_users(self) -> list[User]:
        """By name."""
        return [_user(row) for row in self._connection.execute(_LIST)]

    def count_users(self) -> int:
        return int(self._connection.execute(_COUNT).scalar_one())

    def get_credentials(self, username: str) -> Credentials | None:
        row = self._connection.execute(_CREDENTIALS_BY_NAME, {"name": username}).one_or_none()
        return None if row is None else self._credentials(row)

    def get_credentials_by_id(self, user_id: UUID) -> Credentials | None:
        row = self._connection.execute(_CREDENTIALS_BY_ID, {"row": user_id}).one_or_none()
        return None if row is None else self._credentials(row)

    def lock_credentials(self, user_id: UUID) -> Credentials | None:
        """As they are now; nobody else changes them until the commit."""
        row = self._connection.execute(_LOCK_CREDENTIALS, {"row": user_id}).one_or_none()
        return None if row is None else self._credentials(row)

    def lock_admins(self) -> frozenset[UUID]:
        """Active administrators with a password; nobody else changes them until the commit."""
        return frozenset(self._connection.execute(_LOCK_ADMINS).scalars())

    def save_user(
        self,
        username: str,
        *,
        role: Role,
        password_hash: str | None,
        created_by: str,
        now: datetime,
    ) -> User:
        """Raises UserExistsError."""
        user_id = uuid4()
        row = {
            "user_id": user_id,
            "username": username,
            "role": role.word,
            "password_hash": password_hash,
            "password_changed_at": now if password_hash else None,
            "is_active": True,
            "created_by": created_by,
            "created_at": now,
            "updated_at": now,
        }
        try:
            self._connection.execute(_INSERT, row)
        except IntegrityError:
            raise UserExistsError(
                f"There is a user {username} already.", hint="See: munshi users list"
            ) from None
        return User(
            user_id=user_id,
            username=username,
            role=role,
            is_active=True,
            has_password=password_hash is not None,
            has_totp=False,
            created_by=created_by,
            created_at=now,
            last_sign_in_at=None,
        )

    def delete_user(self, user_id: UUID) -> bool:
        """With sessions, keys, links and codes; whether the user was there."""
        return self._connection.execute(_DELETE, {"row": user_id}).rowcount == 1

    def save_role(self, user_id: UUID, role: Role, *, now: datetime) -> None:
        self._connection.execute(_SET_ROLE, {"row": user_id, "to": role.word, "now": now})

    def save_active(self, user_id: UUID, *, is_active: bool, now: datetime) -> None:
        self._connection.execute(_SET_ACTIVE, {"row": user_id, "to": is_active, "now": now})

    def save_password(self, user_id: UUID, password_hash: str | None, *, now: datetime) -> None:
        """None takes the password away: only a one-time link then lets the user in again."""
        self._connection.execute(_SET_PASSWORD, {"row": user_id, "to": password_hash, "now": now})

    def save_rehashed(self, user_id: UUID, *, before: str, after: str) -> bool:
        """The same password under newer parameters; False if it was changed meanwhile."""
        chosen = {"row": user_id, "before": before, "to": after}
        return self._connection.execute(_REHASH, chosen).rowcount == 1

    def save_sign_in(self, user_id: UUID, *, now: datetime) -> None:
        self._connection.execute(_SIGNED_IN, {"row": user_id, "now": now})

    def save_offered_seed(self, user_id: UUID, seed: str, *, now: datetime) -> bool:
        """False where a second factor is in force already."""
        sealed = self._seal(seed, "totp_offered", user_id)
        chosen = {"row": user_id, "to": sealed, "now": now}
        return self._connection.execute(_OFFER_TOTP, chosen).rowcount == 1

    def get_offered_seed(self, user_id: UUID) -> str | None:
        sealed = self._connection.execute(_OFFERED, {"row": user_id}).scalar_one_or_none()
        return None if sealed is None else self._unseal(sealed, "totp_offered", user_id)

    def enable_totp(self, user_id: UUID, seed: str, *, step: int, now: datetime) -> bool:
        """Put the offered seed in force, with the code of `step` used; False if another was."""
        sealed = self._seal(seed, "totp_seed", user_id)
        chosen = {"row": user_id, "to": sealed, "step": step, "now": now}
        return self._connection.execute(_ENABLE_TOTP, chosen).rowcount == 1

    def disable_totp(self, user_id: UUID, *, now: datetime) -> None:
        """With the recovery codes."""
        self._connection.execute(_DISABLE_TOTP, {"row": user_id, "now": now})
        self._connection.execute(_DROP_CODES, {"row": user_id})

    def use_totp_step(self, user_id: UUID, step: int) -> bool:
        """Use up the code of `step` and all before it; False if it was used before."""
        return self._connection.execute(_USE_STEP, {"row": user_id, "step": step}).rowcount == 1

    def replace_recovery_codes(
        self, user_id: UUID, hashes: Iterable[bytes], *, now: datetime
    ) -> None:
        self._connection.execute(_DROP_CODES, {"row": user_id})
        rows = [{"code_hash": each, "user_id": user_id, "created_at": now} for each in hashes]
        self._connection.execute(_ADD_CODE, rows)

    def use_recovery_code(self, user_id: UUID, code_hash: bytes, *, now: datetime) -> bool:
        """Use up one code; False if it is not the user's or was used before."""
        chosen = {"row": user_id, "code": code_hash, "now": now}
        return self._connection.execute(_USE_CODE, chosen).rowcount == 1

    def count_recovery_codes(self, user_id: UUID) -> int:
        """How many are left."""
        return int(self._connection.execute(_CODES_LEFT, {"row": user_id}).scalar_one())

    def _credentials(self, row: Row[Any]) -> Credentials:
        seed = row.totp_seed
        return Credentials(
            user=_user(row),
            password_hash=row.password_hash,
            totp_seed=None if seed is None else self._unseal(seed, "totp_seed", row.user_id),
        )

    def _seal(self, seed: str, column: str, user_id: UUID) -> Sealed:
        return self._vault().seal(seed, table=_TABLE, column=column, row_id=user_id)

    def _unseal(self, sealed: bytes, column: str, user_id: UUID) -> str:
        return self._vault().unseal(sealed, table=_TABLE, column=column, row_id=user_id)


def _user(row: Row[Any]) -> User:
    return User(
        user_id=row.user_id,
        username=row.username,
        role=Role.of(row.role),
        is_active=row.is_active,
        has_password=bool(row.has_password),
        has_totp=bool(row.has_totp),
        created_by=row.created_by,
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
    )
