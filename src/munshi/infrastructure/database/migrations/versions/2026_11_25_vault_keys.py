"""Data keys wrapped by a master key. What the master key sealed itself goes on opening.

Going back loses what was sealed since: the version before knows no data keys.
"""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_25_vault_keys"
down_revision = "2026_11_25_audit_queries"

_IS_NEWEST = """CASE WHEN key_id = (
  SELECT MAX(key_id) FROM "VaultKeys"
  WHERE created_at = (SELECT MAX(created_at) FROM "VaultKeys")
) THEN {true} ELSE {false} END"""


def upgrade() -> None:
    dialect = op.get_context().dialect.name
    if dialect == "sqlite":
        _rebuild(new=True)
    else:
        on_server = dialect == "postgresql"
        newest = _IS_NEWEST.format(
            true="TRUE" if on_server else "1", false="FALSE" if on_server else "0"
        )
        op.add_column("VaultKeys", sa.Column("source", types.Name(20)))
        op.add_column("VaultKeys", sa.Column("is_active", types.Flag))
        op.add_column("VaultKeys", sa.Column("retired_at", types.Instant))
        op.execute(f'UPDATE "VaultKeys" SET is_active = {newest}')
        op.alter_column("VaultKeys", "is_active", existing_type=types.Flag(), nullable=False)
    op.create_index(
        "uq_VaultKeys_active",
        "VaultKeys",
        ["is_active"],
        unique=True,
        sqlite_where=sa.text("is_active = 1"),
        mssql_where=sa.text("is_active = 1"),
        postgresql_where=sa.text("is_active"),
    )
    _create_data_keys()


def downgrade() -> None:
    op.drop_table("DataKeys")
    op.drop_index("uq_VaultKeys_active", table_name="VaultKeys")
    if op.get_context().dialect.name == "sqlite":
        _rebuild(new=False)
        return
    for name in ("retired_at", "is_active", "source"):
        op.drop_column("VaultKeys", name)


def _rebuild(*, new: bool) -> None:
    added: tuple[sa.Column[object], ...] = (
        sa.Column("source", types.Name(20)),
        sa.Column("is_active", types.Flag, nullable=False),
        sa.Column("retired_at", types.Instant),
    )
    table = sa.Table(
        "VaultKeys",
        sa.MetaData(naming_convention={"pk": "pk_%(table_name)s"}),
        sa.Column("key_id", types.Name(40), primary_key=True),
        sa.Column("canary", types.Octets, nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        *(added if new else ()),
        sqlite_strict=True,
    )
    if context.is_offline_mode():
        # The script begins with an empty database: there is no row to keep.
        op.execute('DROP TABLE "VaultKeys"')
        op.execute(sa.schema.CreateTable(table))
        return
    newest = {"is_active": _IS_NEWEST.format(true="1", false="0")} if new else {}
    rebuild_table(op.get_bind(), table, copied=newest)


def _create_data_keys() -> None:
    op.create_table(
        "DataKeys",
        sa.Column("key_id", types.Name(40), nullable=False),
        sa.Column("purpose", types.Name(40), nullable=False),
        sa.Column("master_key_id", types.Name(40), nullable=False),
        sa.Column("wrapped_key", types.Octets, nullable=False),
        sa.Column("created_at", types.Instant, nullable=False),
        sa.Column("retired_at", types.Instant),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_DataKeys")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_DataKeys_active",
        "DataKeys",
        ["purpose"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        mssql_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )
