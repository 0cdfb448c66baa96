"""The three procedures of the sessions, on the databases that keep procedures."""

from alembic import op

from munshi.infrastructure.database import procedures

revision = "2026_11_22_stored_procedures"
down_revision = "2026_11_22_append_only_audit"

# The files as this revision installs them; a changed file needs a revision of its own.
# ruff: noqa: E501
_INSTALLED = {
    "postgresql": {
        "sp_GetActiveSession": "3c3f82893b947e8a283d0905ca244446e2cd7e1e564dfaab9c155b923dba58b2",
        "sp_UpdateAuthSession": "bf3b24d9a8a849c74d3888908545cec1231022278f7b0f9fbdf3eff49d451d09",
        "sp_CleanupExpiredSessions": "313da35b61d2af8d3454e38fbf595925490a241a7151dc998bf86224786cf952",
    },
    "mssql": {
        "sp_GetActiveSession": "761f0db226dbef4d34ed3c69ca8f39858d88d9518e817ea1fa8d4c6fc8ee3fed",
        "sp_UpdateAuthSession": "98e037cdaa824e43a9bb4b378e34d806d8e1dc2f64034b85dfe6dd75b48b49d4",
        "sp_CleanupExpiredSessions": "03f7aeb903f025604e2a4b4a473fdc4b53ac8d5bde04ebe0682cc0232d24e51f",
    },
}
_DROP = {
    "postgresql": (
        "DROP FUNCTION sp_CleanupExpiredSessions",
        "DROP FUNCTION sp_UpdateAuthSession",
        "DROP FUNCTION sp_GetActiveSession",
    ),
    "mssql": (
        "DROP PROCEDURE sp_CleanupExpiredSessions",
        "DROP PROCEDURE sp_UpdateAuthSession",
        "DROP PROCEDURE sp_GetActiveSession",
    ),
}


def upgrade() -> None:
    dialect = op.get_context().dialect.name
    for name, checksum in _INSTALLED.get(dialect, {}).items():
        op.execute(procedures.read(dialect, name, checksum=checksum))


def downgrade() -> None:
    for statement in _DROP.get(op.get_context().dialect.name, ()):
        op.execute(statement)
