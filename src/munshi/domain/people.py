"""People who may sign in, their sessions and their API keys, as they leave the repositories."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from munshi.domain.roles import Role
from munshi.errors import UserNameInvalidError

TOKEN_BYTES = 32
API_KEY_PREFIX = "mk_"
# Names by which Munshi itself, and callers without a user, stand in the audit trail.
RESERVED_NAMES = frozenset(
    {"anonymous", "command-line", "local-operator", "munshi", "scheduler", "worker"}
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,49}")
_KEY_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One row of Users. Its password's hash and its TOTP seed are read apart, by who needs them."""

    user_id: UUID
    username: str
    role: Role
    is_active: bool
    has_password: bool
    has_totp: bool
    created_by: str
    created_at: datetime
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a sign-in is compared with."""

    user: User
    password_hash: str | None = field(repr=False)
    totp_seed: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A user's session that is good at the moment it was looked up."""

    session_id: UUID
    user_id: UUID
    username: str
    role: Role
    last_activity: datetime
    authenticated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSession:
    """One row of UserSessions as people see it."""

    session_id: UUID
    username: str
    ip_address: str | None = field(repr=False)
    user_agent: str | None
    created_at: datetime
    last_activity: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a session lives without use, and how long whatever its use."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One row of ApiKeys, without the key.

    `groups` are first parts of paths, such as `jobs`; None is all of them. `hint` is how the key
    begins, so that its owner can tell which it is.
    """

    key_id: UUID
    user_id: UUID
    username: str
    name: str
    hint: str
    role: Role
    read_only: bool
    groups: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def new_token() -> str:
    """256 random bits as text that fits into addresses and cookies."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """All that is stored of a token. One of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def read_username(typed: str) -> str:
    """The name as it is stored. Raises UserNameInvalidError."""
    name = typed.strip().lower()
    if not _NAME.fullmatch(name):
        raise UserNameInvalidError(
            "A user's name has 2 to 50 small letters, digits, dots, dashes or @.",
            hint="For example: asha, or asha@example.com.",
        )
    if name in RESERVED_NAMES:
        raise UserNameInvalidError(
            f"{name} is what Munshi calls itself in the audit trail.", hint="Choose another name."
        )
    return name


def read_key_name(typed: str) -> str:
    """The name of an API key as it is stored. Raises UserNameInvalidError."""
    name = typed.strip().lower()
    if not _KEY_NAME.fullmatch(name):
        raise UserNameInvalidError(
            "An API key's name has 1 to 40 small letters, digits, dots and dashes.",
            hint="Name it after what uses it, such as backup-script.",
        )
    return name
