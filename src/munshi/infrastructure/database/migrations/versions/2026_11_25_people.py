"""Users, their second factor, sessions, API keys and one-time links."""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_25_people"
down_revision = "2026_11_25_audit_ledger"

_NAMES = {
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}
_ROLE = "role = 'viewer' OR role = 'operator' OR role = 'admin'"
_NEW_TABLES = ("Users", "UserRecoveryCodes", "ApiKeys", "SetupLinks", "SignInThrottle")
_USERS_KEY = "fk_UserSessions_user_id_Users"
_ADDED = ("user_id", "authenticated_at", "absolute_until", "idle_minutes")


def upgrade() -> None:
    _create_users()
    _create_what_users_have()
    _create_throttle()
    new = _user_sessions(new=True)
    if op.get_context().dialect.name == "sqlite":
        _rebuild(new)
    else:
        for name in _ADDED:
            op.add_column("UserSessions", sa.Column(name, new.columns[name].type))
        op.create_foreign_key(
            op.f(_USERS_KEY),
            "UserSessions",
            "Users",
            ["user_id"],
            ["user_id"],
            ondelete="CASCADE",
        )
    op.create_index("ix_UserSessions_user_id", "UserSessions", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_UserSessions_user_id", table_name="UserSessions")
    if op.get_context().dialect.name == "sqlite":
        _rebuild(_user_sessions(new=False))
    else:
        op.drop_constraint(op.f(_USERS_KEY), "UserSessions", type_="foreignkey")
        for name in reversed(_ADDED):
            op.drop_column("UserSessions", name)
    for name in reversed(_NEW_TABLES):
        op.drop_table(name)


def _rebuild(new: sa.Table) -> None:
    if not context.is_offline_mode():
        rebuild_table(op.get_bind(), new)
        return
    # The script begins with an empty database: there is no row to keep.
    op.execute('DROP TABLE "UserSessions"')
    op.execute(sa.schema.CreateTable(new))
    op.create_index(
        "ix_UserSessions_active_expires_at",
        "UserSessions",
        ["expires_at"],
        sqlite_where=sa.text("is_active = 1"),
    )
    op.create_index("ix_UserSessions_username", "UserSessions", ["username"])
    op.create_index("uq_UserSessions_session_token", "UserSessions", ["session_token"], unique=True)


def _user_sessions(*, new: bool) -> sa.Table:
    metadata = sa.MetaData(naming_convention=_NAMES)
    added: list[sa.Column[object]] = []
    if new:
        sa.Table("Users", metadata, sa.Column("user_id", types.RowUuid, primary_key=True))
        added = [
            sa.Column("user_id", types.RowUuid, sa.ForeignKey("Users.user_id", ondelete="CASCADE")),
            sa.Column("authenticated_at", types.Instant),
            sa.Column("absolute_until", types.Instant),
            sa.Column("idle_minutes", types.Whole),
        ]
    return sa.Table(
        "UserSessions",
        metadata,
        sa.Column("session_id", types.RowUuid, primary_key=True),
        sa.Column("username", types.Name(100), nullable=False),
        sa.Column("session_token", types.Digest, nullable=False),
        sa.Column("role", types.Name(20), nullable=False),
        sa.Column("ip_address", types.Name(45)),
        sa.Column("user_agent", types.Prose),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("last_activity", types.Instant, nullable=False),
        sa.Column("expires_at", types.Instant, nullable=False),
        sa.Column("is_active", types.Flag, nullable=False),
        sa.Column("revoked_at", types.Instant),
        *added,
        sqlite_strict=True,
    )


def _create_users() -> None:
    op.create_table(
        "Users",
        sa.Column("user_id", types.RowUuid),
        sa.Column("username", types.Name(50), nullable=False),
        sa.Column("role", types.Name(20), nullable=False),
        sa.Column("password_hash", types.Prose),
        sa.Column("password_changed_at", types.Instant),
        sa.Column("totp_seed", types.Secret),
        sa.Column("totp_offered", types.Secret),
        sa.Column("totp_last_step", types.Whole),
        sa.Column("is_active", types.Flag, nullable=False),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("updated_at", types.Instant, nullable=False),
        sa.Column("last_sign_in_at", types.Instant),
        sa.PrimaryKeyConstraint("user_id", name="pk_Users"),
        sa.CheckConstraint(_ROLE, name=op.f("ck_Users_role")),
        sqlite_strict=True,
    )
    op.create_index("uq_Users_username", "Users", ["username"], unique=True)


def _owned(name: str, *columns: sa.schema.SchemaItem, key: str) -> None:
    """A table of what a user has, which goes with the user."""
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(key, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["Users.user_id"], name=f"fk_{name}_user_id_Users", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    op.create_index(f"ix_{name}_user_id", name, ["user_id"])


def _create_what_users_have() -> None:
    _owned(
        "UserRecoveryCodes",
        sa.Column("code_hash", types.Digest),
        sa.Column("user_id", types.RowUuid, nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("used_at", types.Instant),
        key="code_hash",
    )
    _owned(
        "ApiKeys",
        sa.Column("key_id", types.RowUuid),
        sa.Column("user_id", types.RowUuid, nullable=False),
        sa.Column("name", types.Name(50), nullable=False),
        sa.Column("key_hash", types.Digest, nullable=False),
        sa.Column("hint", types.Name(20), nullable=False),
        sa.Column("role", types.Name(20), nullable=False),
        sa.Column("read_only", types.Flag, nullable=False),
        sa.Column("path_groups", types.Json),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("expires_at", types.Instant),
        sa.Column("last_used_at", types.Instant),
        sa.Column("revoked_at", types.Instant),
        sa.CheckConstraint(_ROLE, name=op.f("ck_ApiKeys_role")),
        key="key_id",
    )
    op.create_index("uq_ApiKeys_key_hash", "ApiKeys", ["key_hash"], unique=True)
    _owned(
        "SetupLinks",
        sa.Column("link_id", types.RowUuid),
        sa.Column("user_id", types.RowUuid),
        sa.Column("token_hash", types.Digest, nullable=False),
        sa.Column("created_by", types.Name(100), nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("expires_at", types.Instant, nullable=False),
        sa.Column("used_at", types.Instant),
        key="link_id",
    )
    op.create_index("uq_SetupLinks_token_hash", "SetupLinks", ["token_hash"], unique=True)


def _create_throttle() -> None:
    op.create_table(
        "SignInThrottle",
        sa.Column("subject", types.Digest),
        sa.Column("failures", types.Whole, nullable=False),
        sa.Column("next_at", types.Instant, nullable=False),
        sa.Column("updated_at", types.Instant, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_SignInThrottle"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_SignInThrottle_updated_at", "SignInThrottle", ["updated_at"])
