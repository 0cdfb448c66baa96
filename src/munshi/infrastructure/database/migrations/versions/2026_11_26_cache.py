"""A cache of two levels: what its entries depend on, who is working one out, how it is used.

Triggers count the changes of tables that query results depend on, so that no way to write past
the application, in whatever process, is missed.
"""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_26_cache"
down_revision = "2026_11_26_adoption"

# Each index costs a third of what writing an entry does, and serves only who is in no hurry.
_INDEXES = {
    "ix_CacheEntries_expires_at": ["expires_at"],
    "ix_CacheEntries_namespace": ["namespace"],
}
_TABLES = ("Instruments", "CandleFiles")
_FUNCTION = "munshi_count_cache_change"
# SQLite has one writer, so one row a table is counted up. Elsewhere each transaction adds a row
# of its own and waits for nobody; the cache folds them.
_SQLITE = """CREATE TRIGGER "tr_{table}_cache_{verb}" AFTER {verb} ON "{table}" BEGIN
INSERT INTO "CacheTableChanges" (table_name, changes) SELECT '{table}', 0
WHERE NOT EXISTS (SELECT 1 FROM "CacheTableChanges" WHERE table_name = '{table}');
UPDATE "CacheTableChanges" SET changes = changes + 1 WHERE table_name = '{table}'; END"""
# A setting of the transaction's own says that it has counted the table already.
_POSTGRESQL_FUNCTION = f"""CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  mine CONSTANT text := pg_current_xact_id()::text;
  noted CONSTANT text := 'munshi.cache_' || lower(TG_TABLE_NAME);
BEGIN
  IF coalesce(current_setting(noted, true), '') <> mine THEN
    PERFORM set_config(noted, mine, true);
    INSERT INTO "CacheTableChanges" (table_name, changes) VALUES (TG_TABLE_NAME, 1);
  END IF;
  RETURN NULL;
END $$"""
_POSTGRESQL = f"""CREATE TRIGGER "tr_{{table}}_cache"
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "{{table}}"
FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"""
_MSSQL = """CREATE TRIGGER [tr_{table}_cache] ON [{table}] AFTER INSERT, UPDATE, DELETE AS
BEGIN SET NOCOUNT ON;
INSERT INTO [CacheTableChanges] (table_name, changes) VALUES ('{table}', 1); END"""
_NEW_TABLES = (
    *("CacheUse", "CacheLeases", "CacheTableChanges", "CacheTags", "CacheState", "CacheChanges"),
)
_VERBS = ("INSERT", "UPDATE", "DELETE")


def upgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, table_name="CacheEntries")
    if op.get_context().dialect.name == "sqlite":
        _rebuild(_entries(_new_columns()))
    else:
        for column in _new_columns():
            op.add_column("CacheEntries", column)
    _create_tables()
    for statement in _triggers():
        op.execute(statement)


def downgrade() -> None:
    _drop_triggers()
    for name in _NEW_TABLES:
        op.drop_table(name)
    if op.get_context().dialect.name == "sqlite":
        _rebuild(_entries(()))
    else:
        for column in reversed(_new_columns()):
            op.drop_column("CacheEntries", column.name, mssql_drop_default=True)
    for name, columns in _INDEXES.items():
        op.create_index(name, "CacheEntries", columns)


def _triggers() -> list[str]:
    dialect = op.get_context().dialect.name
    if dialect == "sqlite":
        return [_SQLITE.format(table=table, verb=verb) for table in _TABLES for verb in _VERBS]
    if dialect == "postgresql":
        return [_POSTGRESQL_FUNCTION, *(_POSTGRESQL.format(table=table) for table in _TABLES)]
    return [_MSSQL.format(table=table) for table in _TABLES]


def _drop_triggers() -> None:
    dialect = op.get_context().dialect.name
    for table in _TABLES:
        if dialect == "sqlite":
            for verb in _VERBS:
                op.execute(f'DROP TRIGGER "tr_{table}_cache_{verb}"')
        elif dialect == "postgresql":
            op.execute(f'DROP TRIGGER "tr_{table}_cache" ON "{table}"')
        else:
            op.execute(f"DROP TRIGGER [tr_{table}_cache]")
    if dialect == "postgresql":
        op.execute(f"DROP FUNCTION {_FUNCTION}()")


def _rebuild(new: sa.Table) -> None:
    if context.is_offline_mode():
        # The script begins with an empty database: there is no row to keep.
        op.execute(f'DROP TABLE "{new.name}"')
        op.execute(sa.schema.CreateTable(new))
        return
    rebuild_table(op.get_bind(), new)


def _whole(name: str) -> sa.Column[object]:
    return sa.Column(name, types.Whole(), nullable=False, server_default="0")


def _new_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("accessed_at", types.Instant()),
        _whole("change_number"),
    )


def _entries(added: tuple[sa.Column[object], ...]) -> sa.Table:
    return sa.Table(
        "CacheEntries",
        sa.MetaData(),
        sa.Column("cache_key", types.Name(200)),
        sa.Column("namespace", types.Name(50), nullable=False),
        sa.Column("cache_value", types.Octets(), nullable=False),
        sa.Column("codec", types.Name(20), nullable=False),
        sa.Column("size_bytes", types.Whole(), nullable=False),
        sa.Column("compute_ms", types.Real()),
        sa.Column("access_count", types.Whole(), nullable=False, server_default="0"),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        *added,
        sa.PrimaryKeyConstraint("cache_key", name="pk_CacheEntries"),
        sqlite_strict=True,
    )


def _create_tables() -> None:
    op.create_table(
        "CacheChanges",
        sa.Column("change_number", types.Whole(), autoincrement=False),
        sa.Column("cache_key", types.Name(200), nullable=False),
        sa.PrimaryKeyConstraint("change_number", name="pk_CacheChanges"),
        sqlite_strict=True,
    )
    state = op.create_table(
        "CacheState",
        sa.Column("id", types.Whole(), autoincrement=False),
        sa.Column("entries", types.Whole(), nullable=False),
        sa.Column("tags", types.Whole(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_CacheState_single")),
        sa.PrimaryKeyConstraint("id", name="pk_CacheState"),
        sqlite_strict=True,
    )
    op.bulk_insert(state, [{"id": 1, "entries": 0, "tags": 0}])
    op.create_table(
        "CacheTags",
        sa.Column("tag", types.Name(200)),
        sa.Column("version", types.Whole(), nullable=False),
        sa.Column("invalidated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_CacheTags"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "CacheTableChanges",
        sa.Column("id", types.Whole(), sa.Identity()),
        sa.Column("table_name", types.Name(50), nullable=False),
        sa.Column("changes", types.Whole(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_CacheTableChanges"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_table(
        "CacheLeases",
        sa.Column("cache_key", types.Name(200)),
        sa.Column("holder", types.Whole(), nullable=False),
        sa.Column("expires_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("cache_key", name="pk_CacheLeases"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "CacheUse",
        sa.Column("day", types.Day()),
        sa.Column("namespace", types.Name(50), nullable=False),
        *(_whole(name) for name in ("first_hits", "second_hits", "stale_hits", "misses")),
        _whole("computed"),
        sa.Column("compute_seconds", types.Real(), nullable=False, server_default="0"),
        *(_whole(name) for name in ("refused", "damaged", "evicted")),
        sa.PrimaryKeyConstraint("day", "namespace", name="pk_CacheUse"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
