"""The audit trail is sealed in blocks, and old rows may move to an archive that was recorded."""

import sqlalchemy as sa
from alembic import context, op

from munshi.infrastructure.database import types
from munshi.infrastructure.database.migrations.rebuild import rebuild_table

revision = "2026_11_25_audit_ledger"
down_revision = "2026_11_25_config_history"

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}
_FOREIGN_KEY = "fk_AuditPersonalData_audit_id_AuditLogs"
_LOGS, _BLOCKS = "AuditLogs is append-only", "AuditBlocks is append-only"

# A row may go only while an archive that holds it is being made; verifying finds any other way.
_SQLITE = (
    'DROP TRIGGER "tr_AuditLogs_no_delete"',
    f"""CREATE TRIGGER "tr_AuditLogs_no_delete" BEFORE DELETE ON "AuditLogs"
WHEN NOT EXISTS (SELECT 1 FROM "AuditArchives"
  WHERE state = 'moving' AND OLD.id >= first_id AND OLD.id <= last_id)
BEGIN SELECT RAISE(ABORT, '{_LOGS}'); END""",
    f"""CREATE TRIGGER "tr_AuditBlocks_no_update" BEFORE UPDATE ON "AuditBlocks"
BEGIN SELECT RAISE(ABORT, '{_BLOCKS}'); END""",
    f"""CREATE TRIGGER "tr_AuditBlocks_no_delete" BEFORE DELETE ON "AuditBlocks"
BEGIN SELECT RAISE(ABORT, '{_BLOCKS}'); END""",
    f"""CREATE TRIGGER "tr_AuditBlocks_no_replace" BEFORE INSERT ON "AuditBlocks"
WHEN EXISTS (SELECT 1 FROM "AuditBlocks" WHERE number = NEW.number)
  OR EXISTS (SELECT 1 FROM "AuditBlocks" WHERE first_position = NEW.first_position)
BEGIN SELECT RAISE(ABORT, '{_BLOCKS}'); END""",
)
_SQLITE_BACK = (
    'DROP TRIGGER "tr_AuditLogs_no_delete"',
    f"""CREATE TRIGGER "tr_AuditLogs_no_delete" BEFORE DELETE ON "AuditLogs"
BEGIN SELECT RAISE(ABORT, '{_LOGS}'); END""",
)
_POSTGRESQL = (
    f"""CREATE FUNCTION munshi_refuse_audit_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM "AuditArchives"
    WHERE state = 'moving' AND OLD.id >= first_id AND OLD.id <= last_id) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '{_LOGS}' USING ERRCODE = 'integrity_constraint_violation';
END $$""",
    'DROP TRIGGER "tr_AuditLogs_no_change" ON "AuditLogs"',
    """CREATE TRIGGER "tr_AuditLogs_no_change" BEFORE UPDATE ON "AuditLogs"
FOR EACH ROW EXECUTE FUNCTION munshi_refuse_audit_change()""",
    """CREATE TRIGGER "tr_AuditLogs_no_delete" BEFORE DELETE ON "AuditLogs"
FOR EACH ROW EXECUTE FUNCTION munshi_refuse_audit_delete()""",
    f"""CREATE FUNCTION munshi_refuse_block_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{_BLOCKS}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER "tr_AuditBlocks_no_change" BEFORE UPDATE OR DELETE ON "AuditBlocks"
FOR EACH ROW EXECUTE FUNCTION munshi_refuse_block_change()""",
    """CREATE TRIGGER "tr_AuditBlocks_no_truncate" BEFORE TRUNCATE ON "AuditBlocks"
FOR EACH STATEMENT EXECUTE FUNCTION munshi_refuse_block_change()""",
)
_POSTGRESQL_BACK = (
    'DROP TRIGGER "tr_AuditLogs_no_delete" ON "AuditLogs"',
    'DROP TRIGGER "tr_AuditLogs_no_change" ON "AuditLogs"',
    "DROP FUNCTION munshi_refuse_audit_delete()",
    """CREATE TRIGGER "tr_AuditLogs_no_change" BEFORE UPDATE OR DELETE ON "AuditLogs"
FOR EACH ROW EXECUTE FUNCTION munshi_refuse_audit_change()""",
)
# Nothing refuses TRUNCATE on SQL Server, which fires no trigger there; verifying finds it.
_MSSQL = (
    "DROP TRIGGER [tr_AuditLogs_no_change]",
    f"""CREATE TRIGGER [tr_AuditLogs_no_update] ON [AuditLogs] INSTEAD OF UPDATE AS
BEGIN THROW 51000, '{_LOGS}', 1; END""",
    f"""CREATE TRIGGER [tr_AuditLogs_no_delete] ON [AuditLogs] AFTER DELETE AS
BEGIN IF EXISTS (SELECT 1 FROM deleted WHERE NOT EXISTS (SELECT 1 FROM [AuditArchives]
  WHERE state = 'moving' AND deleted.id >= first_id AND deleted.id <= last_id))
THROW 51000, '{_LOGS}', 1; END""",
    f"""CREATE TRIGGER [tr_AuditBlocks_no_change] ON [AuditBlocks] INSTEAD OF UPDATE, DELETE AS
BEGIN THROW 51000, '{_BLOCKS}', 1; END""",
)
_MSSQL_BACK = (
    "DROP TRIGGER [tr_AuditLogs_no_delete]",
    "DROP TRIGGER [tr_AuditLogs_no_update]",
    f"""CREATE TRIGGER [tr_AuditLogs_no_change] ON [AuditLogs] INSTEAD OF UPDATE, DELETE AS
BEGIN THROW 51000, '{_LOGS}', 1; END""",
)
_UP = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mssql": _MSSQL}
_DOWN = {"sqlite": _SQLITE_BACK, "postgresql": _POSTGRESQL_BACK, "mssql": _MSSQL_BACK}


def upgrade() -> None:
    _create_audit_blocks()
    _create_audit_keys()
    _create_audit_sealer()
    _create_audit_archives()
    _set_personal_data_free()
    for statement in _UP[_dialect()]:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN[_dialect()]:
        op.execute(statement)
    _tie_personal_data()
    for name in ("AuditArchives", "AuditSealer", "AuditKeys", "AuditBlocks"):
        op.drop_table(name)
    if _dialect() == "postgresql":
        op.execute("DROP FUNCTION munshi_refuse_block_change()")


def _dialect() -> str:
    return op.get_context().dialect.name


def _create_audit_blocks() -> None:
    op.create_table(
        "AuditBlocks",
        sa.Column("number", types.Whole(), autoincrement=False),
        sa.Column("first_position", types.Whole(), nullable=False),
        sa.Column("row_count", types.Whole(), nullable=False),
        sa.Column("ids", types.Octets(), nullable=False),
        sa.Column("leaves", types.Octets(), nullable=False),
        sa.Column("root", types.Digest(), nullable=False),
        sa.Column("previous_hash", types.Digest(), nullable=False),
        sa.Column("block_hash", types.Digest(), nullable=False),
        sa.Column("signature", types.Octets(), nullable=False),
        sa.Column("key_id", types.Name(16), nullable=False),
        sa.Column("sealed_at", types.Instant(), nullable=False),
        sa.Column("era", types.Whole(), nullable=False),
        sa.Column("last_transaction", types.Whole(), nullable=False),
        sa.Column("last_id", types.Whole(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_AuditBlocks"),
        sqlite_strict=True,
    )
    op.create_index("uq_AuditBlocks_first_position", "AuditBlocks", ["first_position"], unique=True)


def _create_audit_keys() -> None:
    op.create_table(
        "AuditKeys",
        sa.Column("key_id", types.Name(16)),
        sa.Column("public_key", types.Octets(), nullable=False),
        sa.Column("private_key", types.Secret(), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_AuditKeys"),
        sqlite_strict=True,
    )


def _create_audit_sealer() -> None:
    op.create_table(
        "AuditSealer",
        sa.Column("id", types.Whole(), autoincrement=False),
        sa.Column("ledger_id", types.Name(32), nullable=False),
        sa.Column("era", types.Whole(), nullable=False),
        sa.Column("server", types.Name(64), nullable=False),
        sa.Column("floor_id", types.Whole(), nullable=False),
        sa.Column("holder", types.Name(100)),
        sa.Column("lease_until", types.Instant()),
        sa.CheckConstraint("id = 1", name=op.f("ck_AuditSealer_single")),
        sa.PrimaryKeyConstraint("id", name="pk_AuditSealer"),
        sqlite_strict=True,
    )


def _create_audit_archives() -> None:
    op.create_table(
        "AuditArchives",
        sa.Column("name", types.Name(100)),
        sa.Column("first_block", types.Whole(), nullable=False),
        sa.Column("last_block", types.Whole(), nullable=False),
        sa.Column("first_id", types.Whole(), nullable=False),
        sa.Column("last_id", types.Whole(), nullable=False),
        sa.Column("rows", types.Whole(), nullable=False),
        sa.Column("sha256", types.Name(64), nullable=False),
        sa.Column("state", types.Name(20), nullable=False),
        sa.Column("created_at", types.Instant(), nullable=False),
        sa.Column("updated_at", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_AuditArchives"),
        sqlite_strict=True,
    )
    op.create_index("uq_AuditArchives_first_block", "AuditArchives", ["first_block"], unique=True)


def _set_personal_data_free() -> None:
    if _dialect() == "sqlite":
        _rebuild(_personal_data())
    else:
        op.drop_constraint(_FOREIGN_KEY, "AuditPersonalData", type_="foreignkey")


def _tie_personal_data() -> None:
    if _dialect() == "sqlite":
        _rebuild(_personal_data(tied=True))
    else:
        op.create_foreign_key(_FOREIGN_KEY, "AuditPersonalData", "AuditLogs", ["audit_id"], ["id"])


def _personal_data(*, tied: bool = False) -> sa.Table:
    metadata = sa.MetaData(naming_convention=_NAMES)
    keys: list[sa.schema.SchemaItem] = []
    if tied:
        sa.Table("AuditLogs", metadata, sa.Column("id", types.Whole(), primary_key=True))
        keys = [sa.ForeignKeyConstraint(["audit_id"], ["AuditLogs.id"], name=_FOREIGN_KEY)]
    return sa.Table(
        "AuditPersonalData",
        metadata,
        sa.Column("audit_id", types.Whole(), autoincrement=False, nullable=False),
        sa.Column("field", types.Name(50), nullable=False),
        sa.Column("salt", types.Digest(), nullable=False),
        sa.Column("value", types.Prose(), nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("audit_id", "field", name="pk_AuditPersonalData"),
        sqlite_strict=True,
    )


def _rebuild(new: sa.Table) -> None:
    if context.is_offline_mode():
        # The script begins with an empty database: there is no row to keep.
        op.execute(f'DROP TABLE "{new.name}"')
        op.execute(sa.schema.CreateTable(new))
        return
    rebuild_table(op.get_bind(), new)
