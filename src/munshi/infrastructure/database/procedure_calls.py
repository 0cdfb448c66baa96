"""Calls to the stored procedures of PostgreSQL and SQL Server."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, TextClause, bindparam, text
from sqlalchemy.sql.selectable import TextualSelect

from munshi.infrastructure.database.models import auth_sessions
from munshi.infrastructure.database.types import Instant, Json, Name, RowUuid, Secret

_ROW_TYPES = {
    "session_id": RowUuid,
    "service_type": Name(20),
    "account": Name(50),
    "mode": Name(20),
    "session_token": Secret,
    "access_token": Secret,
    "key_id": Name(40),
    "user_id": Name(100),
    "user_name": Name(200),
    "expires_at": Instant,
    "metadata": Json,
    "now": Instant,
}
_ASKED = ("service", "for_account", "for_mode")
_STORED = ("session_id", "service_type", *tuple(_ROW_TYPES)[2:])


def _typed(statement: str, **types: Any) -> TextClause:  # noqa: ANN401
    return text(statement).bindparams(
        *(bindparam(name, type_=type_) for name, type_ in types.items())
    )


_GET_TYPES = {name: Name(50) for name in _ASKED} | {"now": Instant}
_GET = {
    "postgresql": _typed(
        "SELECT * FROM sp_GetActiveSession(:service, :for_account, :for_mode, :now)", **_GET_TYPES
    ),
    "mssql": _typed(
        "EXEC sp_GetActiveSession :service, :for_account, :for_mode, :now", **_GET_TYPES
    ),
}
_UPDATE = {
    "postgresql": _typed(
        f"SELECT sp_UpdateAuthSession({', '.join(f':{name}' for name in _STORED)})", **_ROW_TYPES
    ),
    "mssql": _typed(
        f"EXEC sp_UpdateAuthSession {', '.join(f':{name}' for name in _STORED)}", **_ROW_TYPES
    ),
}
_CLEANUP = {
    "postgresql": _typed("SELECT * FROM sp_CleanupExpiredSessions(:now)", now=Instant),
    "mssql": _typed("EXEC sp_CleanupExpiredSessions :now", now=Instant),
}
_COLUMNS = tuple(auth_sessions.c)
_GET_ROWS: dict[str, TextualSelect] = {
    dialect: statement.columns(*_COLUMNS) for dialect, statement in _GET.items()
}


def available(connection: Connection) -> bool:
    """SQLite has no procedures; there the repository does the same."""
    return connection.dialect.name in _GET


def get_active_session(connection: Connection, chosen: Mapping[str, Any]) -> Row[Any] | None:
    return connection.execute(_GET_ROWS[connection.dialect.name], chosen).one_or_none()


def update_auth_session(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(_UPDATE[connection.dialect.name], values).close()


def cleanup_expired_sessions(connection: Connection, now: datetime) -> tuple[int, int, int]:
    row = connection.execute(_CLEANUP[connection.dialect.name], {"now": now}).one()
    return row[0], row[1], row[2]
