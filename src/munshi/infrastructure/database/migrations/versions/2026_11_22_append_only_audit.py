"""AuditLogs may only grow: triggers refuse everything else."""

from alembic import op

revision = "2026_11_22_append_only_audit"
down_revision = "2026_11_22_first_tables"

_REFUSAL = "AuditLogs is append-only"

_SQLITE = (
    f"""CREATE TRIGGER "tr_AuditLogs_no_update" BEFORE UPDATE ON "AuditLogs"
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    f"""CREATE TRIGGER "tr_AuditLogs_no_delete" BEFORE DELETE ON "AuditLogs"
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    # INSERT OR REPLACE deletes without firing the delete trigger unless the connection turned
    # recursive_triggers on, which a stranger's connection need not have done.
    f"""CREATE TRIGGER "tr_AuditLogs_no_replace" BEFORE INSERT ON "AuditLogs"
WHEN EXISTS (SELECT 1 FROM "AuditLogs" WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM "AuditLogs" WHERE leaf = NEW.leaf)
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
)
_POSTGRESQL = (
    'ALTER TABLE "AuditLogs" ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id()',
    f"""CREATE FUNCTION munshi_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER "tr_AuditLogs_no_change" BEFORE UPDATE OR DELETE ON "AuditLogs"
FOR EACH ROW EXECUTE FUNCTION munshi_refuse_audit_change()""",
    """CREATE TRIGGER "tr_AuditLogs_no_truncate" BEFORE TRUNCATE ON "AuditLogs"
FOR EACH STATEMENT EXECUTE FUNCTION munshi_refuse_audit_change()""",
)
# TRUNCATE fires no trigger on SQL Server; the foreign key of AuditPersonalData refuses it there.
_MSSQL = (
    f"""CREATE TRIGGER [tr_AuditLogs_no_change] ON [AuditLogs] INSTEAD OF UPDATE, DELETE AS
BEGIN THROW 51000, '{_REFUSAL}', 1; END""",
)
_UP = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mssql": _MSSQL}
_DOWN = {
    "sqlite": (
        'DROP TRIGGER "tr_AuditLogs_no_replace"',
        'DROP TRIGGER "tr_AuditLogs_no_delete"',
        'DROP TRIGGER "tr_AuditLogs_no_update"',
    ),
    "postgresql": (
        'DROP TRIGGER "tr_AuditLogs_no_truncate" ON "AuditLogs"',
        'DROP TRIGGER "tr_AuditLogs_no_change" ON "AuditLogs"',
        "DROP FUNCTION munshi_refuse_audit_change()",
        'ALTER TABLE "AuditLogs" ALTER COLUMN transaction_id DROP DEFAULT',
    ),
    "mssql": ("DROP TRIGGER [tr_AuditLogs_no_change]",),
}


def upgrade() -> None:
    for statement in _UP[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN[op.get_context().dialect.name]:
        op.execute(statement)
