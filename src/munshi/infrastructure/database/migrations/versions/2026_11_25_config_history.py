"""ConfigHistory may only grow: triggers refuse everything else."""

from alembic import op

revision = "2026_11_25_config_history"
down_revision = "2026_11_25_vault_keys"

_REFUSAL = "ConfigHistory is append-only"

_SQLITE = (
    f"""CREATE TRIGGER "tr_ConfigHistory_no_update" BEFORE UPDATE ON "ConfigHistory"
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    f"""CREATE TRIGGER "tr_ConfigHistory_no_delete" BEFORE DELETE ON "ConfigHistory"
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    # INSERT OR REPLACE deletes without firing the delete trigger unless the connection turned
    # recursive_triggers on; it replaces by the hidden rowid as well as by the primary key.
    f"""CREATE TRIGGER "tr_ConfigHistory_no_replace" BEFORE INSERT ON "ConfigHistory"
WHEN EXISTS (SELECT 1 FROM "ConfigHistory" WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM "ConfigHistory" WHERE revision = NEW.revision
    AND config_type = NEW.config_type AND config_key = NEW.config_key)
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
)
_POSTGRESQL = (
    f"""CREATE FUNCTION munshi_refuse_config_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER "tr_ConfigHistory_no_change" BEFORE UPDATE OR DELETE ON "ConfigHistory"
FOR EACH ROW EXECUTE FUNCTION munshi_refuse_config_change()""",
    """CREATE TRIGGER "tr_ConfigHistory_no_truncate" BEFORE TRUNCATE ON "ConfigHistory"
FOR EACH STATEMENT EXECUTE FUNCTION munshi_refuse_config_change()""",
)
# TRUNCATE fires no trigger on SQL Server; it needs the right to alter the table, which the
# service's own login has no use for.
_MSSQL = (
    f"""CREATE TRIGGER [tr_ConfigHistory_no_change] ON [ConfigHistory]
INSTEAD OF UPDATE, DELETE AS
BEGIN THROW 51000, '{_REFUSAL}', 1; END""",
)
_UP = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mssql": _MSSQL}
_DOWN = {
    "sqlite": (
        'DROP TRIGGER "tr_ConfigHistory_no_replace"',
        'DROP TRIGGER "tr_ConfigHistory_no_delete"',
        'DROP TRIGGER "tr_ConfigHistory_no_update"',
    ),
    "postgresql": (
        'DROP TRIGGER "tr_ConfigHistory_no_truncate" ON "ConfigHistory"',
        'DROP TRIGGER "tr_ConfigHistory_no_change" ON "ConfigHistory"',
        "DROP FUNCTION munshi_refuse_config_change()",
    ),
    "mssql": ("DROP TRIGGER [tr_ConfigHistory_no_change]",),
}


def upgrade() -> None:
    for statement in _UP[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN[op.get_context().dialect.name]:
        op.execute(statement)
