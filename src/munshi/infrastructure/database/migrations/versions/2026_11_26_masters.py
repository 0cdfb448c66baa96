"""Instruments keep their history; which lists were loaded, and when."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_26_masters"
down_revision = "2026_11_26_backtest"

_NAME, _LISTS = "Instruments", "InstrumentLists"
_MODE = "mode = 'simulated' OR mode = 'live'"
_OLD_MODE = "mode IN ('simulated', 'live')"
_SYMBOL = ["mode", "exchange", "tradingsymbol", "service_type"]
_OLD_SYMBOL = ["mode", "service_type", "exchange", "tradingsymbol"]
_NEW_INDEXES: dict[str, tuple[list[str], str | None]] = {
    "uq_Instruments_current": (_SYMBOL, "last_seen IS NULL"),
    "uq_Instruments_symbol": ([*_SYMBOL, "first_day"], None),
    "ix_Instruments_underlying": (["mode", "underlying", "expiry", "strike"], None),
    "ix_Instruments_token": (["mode", "token", "service_type"], None),
    "ix_Instruments_last_seen": (["mode", "service_type", "last_seen"], None),
    "ix_Instruments_lineage": (["lineage_id"], None),
    "ix_Instruments_unmapped": (_SYMBOL, "unmapped IS NOT NULL AND last_seen IS NULL"),
}
_OLD_INDEXES: dict[str, tuple[list[str], str | None]] = {
    "ix_Instruments_underlying_expiry": (["mode", "underlying", "expiry"], None),
    "uq_Instruments_symbol": (_OLD_SYMBOL, None),
}
# The exchange's day of an instant.
_DAY_OF = {
    "sqlite": "date({}, '+330 minutes')",
    "postgresql": "CAST({} AT TIME ZONE 'Asia/Kolkata' AS date)",
    "mssql": "CAST(DATEADD(minute, 330, {}) AS date)",
}
_FIRST_DAY = {dialect: words.format("loaded_at") for dialect, words in _DAY_OF.items()}
_EMPTY = {"sqlite": "'{}'", "postgresql": "CAST('{}' AS jsonb)", "mssql": "'{}'"}
_OLD_LISTS = """INSERT INTO "InstrumentLists"
(mode, number, service_type, day, loaded_at, counts)
SELECT mode, ROW_NUMBER() OVER (PARTITION BY mode ORDER BY MAX(loaded_at), service_type),
service_type, {day}, MAX(loaded_at), {empty} FROM "Instruments" GROUP BY mode, service_type"""
_FORGET = 'DELETE FROM "Instruments" WHERE last_seen IS NOT NULL'


def upgrade() -> None:
    dialect = op.get_context().dialect.name
    _create_lists()
    op.execute(
        _OLD_LISTS.format(day=_DAY_OF[dialect].format("MAX(loaded_at)"), empty=_EMPTY[dialect])
    )
    first = _FIRST_DAY[dialect]
    last = f"CASE WHEN expiry IS NULL THEN '9999-12-31' WHEN expiry < {first} THEN {first} "
    if dialect != "sqlite":
        last = last.replace("'9999-12-31'", "CAST('9999-12-31' AS date)")
    filled = {
        "lineage_id": "instrument_id",
        "first_day": first,
        "last_day": f"{last}ELSE expiry END",
        "change": "'listed'",
    }
    _drop_indexes(_OLD_INDEXES)
    if dialect == "sqlite":
        _rebuild(_instruments(*_added(), checks=(("mode", _MODE), ("days", _DAYS))), filled)
    else:
        _change(filled)
    _create_indexes(_NEW_INDEXES)


def downgrade() -> None:
    op.execute(_FORGET)
    _drop_indexes(_NEW_INDEXES)
    if op.get_context().dialect.name == "sqlite":
        _rebuild(_instruments(checks=(("mode", _OLD_MODE),)), {})
    else:
        _change_back()
    _create_indexes(_OLD_INDEXES)
    op.drop_table(_LISTS)


_DAYS = "first_day <= last_day"


def _added() -> list[sa.Column[Any]]:
    return [
        sa.Column("lineage_id", types.RowUuid(), nullable=False),
        sa.Column("first_day", types.Day(), nullable=False),
        sa.Column("last_day", types.Day(), nullable=False),
        sa.Column("last_seen", types.Day()),
        sa.Column("change", types.Name(100), nullable=False),
        sa.Column("unmapped", types.Name(20)),
    ]


def _change(filled: dict[str, str]) -> None:
    """Add the columns empty, fill them, and only then ask that they have something."""
    for column in _added():
        op.add_column(_NAME, sa.Column(column.name, column.type))
    quoted = op.get_context().dialect.identifier_preparer.quote(_NAME)
    given = ", ".join(f"{name} = {words}" for name, words in filled.items())
    # What the cache keeps of these rows stays true, so its trigger need not hear of this.
    is_postgresql = op.get_context().dialect.name == "postgresql"
    if is_postgresql:
        op.execute(f"ALTER TABLE {quoted} DISABLE TRIGGER USER")
    op.execute(f"UPDATE {quoted} SET {given}")
    if is_postgresql:
        op.execute(f"ALTER TABLE {quoted} ENABLE TRIGGER USER")
    for column in _added():
        if not column.nullable:
            op.alter_column(_NAME, column.name, existing_type=column.type, nullable=False)
    op.drop_constraint(op.f("ck_Instruments_mode"), _NAME, type_="check")
    op.create_check_constraint(op.f("ck_Instruments_mode"), _NAME, _MODE)
    op.create_check_constraint(op.f("ck_Instruments_days"), _NAME, _DAYS)


def _change_back() -> None:
    op.drop_constraint(op.f("ck_Instruments_days"), _NAME, type_="check")
    op.drop_constraint(op.f("ck_Instruments_mode"), _NAME, type_="check")
    op.create_check_constraint(op.f("ck_Instruments_mode"), _NAME, _OLD_MODE)
    for column in reversed(_added()):
        op.drop_column(_NAME, column.name)


def _rebuild(new: sa.Table, copied: dict[str, str]) -> None:
    if not context.is_offline_mode():
        rebuild_table(op.get_bind(), new, copied=copied)
        return
    # The script begins with an empty database: there is no row to keep, but the triggers are.
    op.execute(f'DROP TABLE "{new.name}"')
    op.execute(sa.schema.CreateTable(new))
    for statement in _TRIGGERS:
        op.execute(statement)


_TRIGGERS = [
    f"""CREATE TRIGGER "tr_Instruments_cache_{verb}" AFTER {verb} ON "Instruments" BEGIN
INSERT INTO "CacheTableChanges" (table_name, changes) SELECT 'Instruments', 0
WHERE NOT EXISTS (SELECT 1 FROM "CacheTableChanges" WHERE table_name = 'Instruments');
UPDATE "CacheTableChanges" SET changes = changes + 1 WHERE table_name = 'Instruments'; END"""
    for verb in ("INSERT", "UPDATE", "DELETE")
]


def _instruments(*added: sa.Column[Any], checks: tuple[tuple[str, str], ...]) -> sa.Table:
    """As SQLite says it: each column where the model has it."""
    of_lineage = [column for column in added if column.name == "lineage_id"]
    return sa.Table(
        _NAME,
        sa.MetaData(),
        sa.Column("instrument_id", types.RowUuid()),
        *of_lineage,
        sa.Column("mode", types.Name(20), nullable=False),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("exchange", types.Name(20), nullable=False),
        sa.Column("tradingsymbol", types.Name(100), nullable=False),
        sa.Column("name", types.Name(200), nullable=False),
        sa.Column("kind", types.Name(10), nullable=False),
        sa.Column("segment", types.Name(20), nullable=False),
        sa.Column("underlying", types.Name(100)),
        sa.Column("expiry", types.Day()),
        sa.Column("strike", types.Amount()),
        sa.Column("lot_size", types.Whole(), nullable=False),
        sa.Column("tick_size", types.Amount(), nullable=False),
        sa.Column("token", types.Name(50)),
        sa.Column("broker_code", types.Name(100)),
        sa.Column("loaded_at", types.Instant(), nullable=False),
        *(column for column in added if column.name != "lineage_id"),
        *(sa.CheckConstraint(words, name=f"ck_{_NAME}_{name}") for name, words in checks),
        sa.PrimaryKeyConstraint("instrument_id", name=f"pk_{_NAME}"),
        sqlite_strict=True,
    )


def _create_indexes(indexes: dict[str, tuple[list[str], str | None]]) -> None:
    for name, (columns, condition) in indexes.items():
        where: dict[str, Any] = {}
        if condition is not None:
            dialects = ("sqlite", "postgresql", "mssql")
            where = {f"{dialect}_where": sa.text(condition) for dialect in dialects}
        op.create_index(name, _NAME, columns, unique=name.startswith("uq"), **where)


def _drop_indexes(indexes: dict[str, tuple[list[str], str | None]]) -> None:
    if op.get_context().dialect.name == "sqlite" and context.is_offline_mode():
        return  # they go with the table
    for name in indexes:
        op.drop_index(name, table_name=_NAME)


def _create_lists() -> None:
    op.create_table(
        _LISTS,
        sa.Column("mode", types.Name(20)),
        sa.Column("number", types.Whole(), autoincrement=False),
        sa.Column("service_type", types.Name(20), nullable=False),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("loaded_at", types.Instant(), nullable=False),
        sa.Column("counts", types.Json(), nullable=False),
        sa.CheckConstraint(_MODE, name=op.f("ck_InstrumentLists_mode")),
        sa.PrimaryKeyConstraint("mode", "number", name="pk_InstrumentLists"),
        sqlite_strict=True,
    )
    op.create_index("ix_InstrumentLists_day", _LISTS, ["mode", "service_type", "day"])
