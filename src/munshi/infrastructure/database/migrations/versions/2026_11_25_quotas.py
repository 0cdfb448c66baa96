"""Broker limits that all processes share: their pools, their slots, and calls by minute."""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_25_quotas"
down_revision = "2026_11_25_people"

_UNIQUE, _ENDS = "uq_ApiRateLimits_window", "ix_ApiRateLimits_window_end"
_WINDOW = ["api_name", "account", "endpoint", "window_start", "window_end"]
# A slot's row changes with every call: it stays on its page if there is room beside it.
_STORAGE = (
    "fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000"
)


def upgrade() -> None:
    _drop_indexes()
    if op.get_context().dialect.name == "sqlite":
        _rebuild(_limits(_new_columns()))
    else:
        for column in _new_columns():
            op.add_column("ApiRateLimits", column)
    _create_indexes(["mode", *_WINDOW])
    _create_pools()
    _create_slots()
    if op.get_context().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE "ApiRateSlots" SET ({_STORAGE})')


def downgrade() -> None:
    op.drop_table("ApiRateSlots")
    op.drop_table("ApiRatePools")
    # Without the mode the counts of the simulated brokers would stand beside the real ones.
    op.execute("""DELETE FROM "ApiRateLimits" WHERE mode <> 'live'""")
    _drop_indexes()
    if op.get_context().dialect.name == "sqlite":
        _rebuild(_limits(()))
    else:
        for column in reversed(_new_columns()):
            op.drop_column("ApiRateLimits", column.name, mssql_drop_default=True)
    _create_indexes(_WINDOW)


def _rebuild(new: sa.Table) -> None:
    if context.is_offline_mode():
        # The script begins with an empty database: there is no row to keep.
        op.execute(f'DROP TABLE "{new.name}"')
        op.execute(sa.schema.CreateTable(new))
        return
    rebuild_table(op.get_bind(), new)


def _drop_indexes() -> None:
    op.drop_index(_UNIQUE, table_name="ApiRateLimits")
    op.drop_index(_ENDS, table_name="ApiRateLimits")


def _create_indexes(window: list[str]) -> None:
    op.create_index(_UNIQUE, "ApiRateLimits", window, unique=True)
    op.create_index(_ENDS, "ApiRateLimits", ["window_end"])


def _new_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("mode", types.Name(20), nullable=False, server_default="live"),
        sa.Column("waits", types.Whole(), nullable=False, server_default="0"),
        sa.Column("waited_seconds", types.Real(), nullable=False, server_default="0"),
    )


def _limits(added: tuple[sa.Column[object], ...]) -> sa.Table:
    return sa.Table(
        "ApiRateLimits",
        sa.MetaData(),
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("api_name", types.Name(20), nullable=False),
        sa.Column("account", types.Name(50), nullable=False, server_default="main"),
        sa.Column("endpoint", types.Name(100), nullable=False),
        sa.Column("window_start", types.Instant(), nullable=False),
        sa.Column("window_end", types.Instant(), nullable=False),
        sa.Column("request_count", types.Whole(), nullable=False, server_default="0"),
        sa.Column("refusals", types.Whole(), nullable=False, server_default="0"),
        sa.Column("limit", types.Whole()),
        *added,
        sa.PrimaryKeyConstraint("id", name="pk_ApiRateLimits"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )


def _create_pools() -> None:
    op.create_table(
        "ApiRatePools",
        sa.Column("pool_id", types.Whole(), sa.Identity()),
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("account", types.Name(50), nullable=False, server_default="main"),
        sa.Column("name", types.Name(50), nullable=False),
        sa.Column("requests", types.Whole(), nullable=False),
        sa.Column("seconds", types.Real(), nullable=False),
        sa.Column("daily", types.Whole()),
        sa.Column("kept", types.Whole(), nullable=False),
        sa.Column("daily_kept", types.Whole(), nullable=False),
        sa.Column("closed_until", types.Instant(), nullable=False),
        sa.Column("version", types.Whole(), nullable=False),
        sa.Column("config_revision", types.Whole(), nullable=False),
        sa.Column("worked_out_for", types.Day(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", name="pk_ApiRatePools"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_ApiRatePools_name", "ApiRatePools", ["mode", "account", "name"], unique=True
    )


def _create_slots() -> None:
    op.create_table(
        "ApiRateSlots",
        sa.Column("pool_id", types.Whole(), nullable=False),
        sa.Column("slot", types.Whole(), autoincrement=False, nullable=False),
        sa.Column("free_at", types.Instant(), nullable=False),
        sa.Column("lease", types.Whole(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["ApiRatePools.pool_id"], name="fk_ApiRateSlots_pool_id_ApiRatePools"
        ),
        sa.PrimaryKeyConstraint("pool_id", "slot", name="pk_ApiRateSlots"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
