"""Users and what belongs to them: recovery codes, API keys, one-time links, failed sign-ins."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index

from munshi.domain.roles import USER_ROLES
from munshi.infrastructure.database.models.base import one_of, table
from munshi.infrastructure.database.types import (
    Digest,
    Flag,
    Instant,
    Json,
    Name,
    Prose,
    RowUuid,
    Secret,
    Whole,
)

_ROLE = one_of("role", (role.word for role in USER_ROLES))

users = table(
    "Users",
    Column("user_id", RowUuid, primary_key=True),
    Column("username", Name(50), nullable=False),
    Column("role", Name(20), nullable=False),
    Column("password_hash", Prose),
    Column("password_changed_at", Instant),
    Column("totp_seed", Secret),
    # A seed that was shown and not proved yet; it asks nothing of a sign-in.
    Column("totp_offered", Secret),
    Column("totp_last_step", Whole),
    Column("is_active", Flag, nullable=False),
    Column("created_by", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("last_sign_in_at", Instant),
    CheckConstraint(_ROLE, name="role"),
    Index("uq_Users_username", "username", unique=True),
)

user_recovery_codes = table(
    "UserRecoveryCodes",
    Column("code_hash", Digest, primary_key=True),
    Column("user_id", RowUuid, ForeignKey("Users.user_id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_UserRecoveryCodes_user_id", "user_id"),
)

api_keys = table(
    "ApiKeys",
    Column("key_id", RowUuid, primary_key=True),
    Column("user_id", RowUuid, ForeignKey("Users.user_id", ondelete="CASCADE"), nullable=False),
    Column("name", Name(50), nullable=False),
    Column("key_hash", Digest, nullable=False),
    Column("hint", Name(20), nullable=False),
    Column("role", Name(20), nullable=False),
    Column("read_only", Flag, nullable=False),
    Column("path_groups", Json),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    CheckConstraint(_ROLE, name="role"),
    Index("uq_ApiKeys_key_hash", "key_hash", unique=True),
    Index("ix_ApiKeys_user_id", "user_id"),
)

setup_links = table(
    "SetupLinks",
    Column("link_id", RowUuid, primary_key=True),
    # Nobody yet: the link makes the first administrator.
    Column("user_id", RowUuid, ForeignKey("Users.user_id", ondelete="CASCADE")),
    Column("token_hash", Digest, nullable=False),
    Column("created_by", Name(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("uq_SetupLinks_token_hash", "token_hash", unique=True),
    Index("ix_SetupLinks_user_id", "user_id"),
)

sign_in_throttle = table(
    "SignInThrottle",
    # A keyed hash of an account, an address or both: what was typed may be a password.
    Column("subject", Digest, primary_key=True),
    Column("failures", Whole, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_SignInThrottle_updated_at", "updated_at"),
    keyed=True,
)
