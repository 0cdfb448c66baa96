"""Logins and open alerts together, in the fewest steps: every status call reads them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from munshi.domain.alerts import Alert, Severity
from munshi.domain.enums import Service
from munshi.infrastructure.database.auth_repository import StoredLogin
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

# One statement, so that both parts show one state. Logins come first, by service.
_SQLITE = """
SELECT 0, service_type, user_id, user_name, expires_at, NULL, NULL, NULL, NULL, NULL
FROM "AuthSessions" WHERE is_active = 1 AND mode = ? AND account = ?
UNION ALL
SELECT 1, fingerprint, kind, severity, raised_at, title, link, subject, state, id
FROM "Alerts" WHERE state = 'open'
ORDER BY 1, 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginBoard:
    """Active logins, expired ones included, and open alerts, oldest first."""

    logins: list[StoredLogin]
    alerts: list[Alert]


class LoginBoardReader:
    """On SQLite by driver SQL on a held connection; elsewhere through the repositories.

    `is_immediate` says that reading takes microseconds and waits for nobody, so that an event
    loop may do it in place.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_immediate = database.dialect == "sqlite"

    def read(self, *, mode: BrokerMode, account: str = "main") -> LoginBoard:
        """Raises DatabaseUnreachableError."""
        if not self.is_immediate:
            return self.read_by_repositories(mode=mode, account=account)
        logins: list[StoredLogin] = []
        alerts: list[Alert] = []
        for row in self._database.fetch_held(_SQLITE, (mode.value, account)):
            if row[0]:
                alerts.append(_alert(row))
            else:
                logins.append(_login(row))
        return LoginBoard(logins=logins, alerts=alerts)

    def read_by_repositories(self, *, mode: BrokerMode, account: str = "main") -> LoginBoard:
        """The same on every database."""
        with self._database.reading() as tx:
            return LoginBoard(
                logins=tx.auth.list_active_logins(account=account, mode=mode),
                alerts=tx.alerts.list_open_alerts(),
            )


def _login(row: tuple[Any, ...]) -> StoredLogin:
    return StoredLogin(
        service=Service(row[1]),
        user_id=row[2],
        user_name=row[3],
        expires_at=datetime.fromisoformat(row[4]),
    )


def _alert(row: tuple[Any, ...]) -> Alert:
    return Alert(
        alert_id=UUID(row[9]),
        fingerprint=row[1],
        kind=row[2],
        severity=Severity(row[3]),
        state=row[8],
        title=row[5],
        link=row[6],
        subject=row[7],
        raised_at=datetime.fromisoformat(row[4]),
        resolved_at=None,
    )
