"""Archives of audit rows: who is at work on them, and the signed record of one that was dropped."""

import sqlalchemy as sa
from alembic import op

from munshi.infrastructure.database import types

revision = "2026_11_26_audit_archives"
down_revision = "2026_11_26_cache"

_SEALER = "AuditSealer"
_ARCHIVES = "AuditArchives"


def upgrade() -> None:
    op.add_column(_SEALER, sa.Column("archivist", types.Name(100)))
    op.add_column(_SEALER, sa.Column("archivist_until", types.Instant()))
    op.add_column(_ARCHIVES, sa.Column("dropped_at", types.Instant()))
    op.add_column(_ARCHIVES, sa.Column("key_id", types.Name(16)))
    op.add_column(_ARCHIVES, sa.Column("signature", types.Octets()))


def downgrade() -> None:
    for column in ("signature", "key_id", "dropped_at"):
        op.drop_column(_ARCHIVES, column)
    for column in ("archivist_until", "archivist"):
        op.drop_column(_SEALER, column)
