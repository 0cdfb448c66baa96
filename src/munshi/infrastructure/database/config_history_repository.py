"""SQL over ConfigHistory: what stood at a revision, and what each revision changed."""

from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select

from munshi.domain.config import ConfigChange
from munshi.infrastructure.database.models import config_history

_rows = config_history.c
_LAST = (
    select(_rows.config_type, _rows.config_key, func.max(_rows.revision).label("revision"))
    .where(_rows.revision <= bindparam("revision"))
    .group_by(_rows.config_type, _rows.config_key)
    .subquery()
)
_AT = (
    select(config_history)
    .join(
        _LAST,
        and_(
            _rows.config_type == _LAST.c.config_type,
            _rows.config_key == _LAST.c.config_key,
            _rows.revision == _LAST.c.revision,
        ),
    )
    .order_by(_rows.config_type, _rows.config_key)
)
_REVISIONS = (
    select(_rows.revision)
    .where(_rows.revision < bindparam("before"))
    .distinct()
    .order_by(_rows.revision.desc())
    .limit(bindparam("most"))
    .subquery()
)
_CHANGES = (
    select(config_history)
    .join(_REVISIONS, _rows.revision == _REVISIONS.c.revision)
    .order_by(_rows.revision.desc(), _rows.config_type, _rows.config_key)
)
NEWEST = 2**62


class ConfigHistoryRepository:
    """Reads the history; `ConfigRepository` writes it, with each value."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_values_at(self, revision: int) -> list[ConfigChange]:
        """The newest change of every key that had one at `revision`, by type and key."""
        return list(map(change_of, self._connection.execute(_AT, {"revision": revision})))

    def list_changes(self, *, before: int = NEWEST, limit: int) -> list[ConfigChange]:
        """Every change of the newest `limit` revisions below `before`, newest revision first."""
        rows = self._connection.execute(_CHANGES, {"before": before, "most": limit})
        return list(map(change_of, rows))


def change_of(row: Row[Any]) -> ConfigChange:
    return ConfigChange(
        revision=row.revision,
        config_type=row.config_type,
        config_key=row.config_key,
        version=row.version,
        value=row.config_value,
        is_secret=row.is_secret,
        is_active=row.is_active,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )
