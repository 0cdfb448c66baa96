"""Logins and open alerts together, in the fewest steps: every status call reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from munshi.domain.alerts import Alert, Severity
from munshi.domain.config_keys import AUTH, EXPIRY_WARNING_MINUTES
from munshi.domain.enums import Service
from munshi.domain.sessions import LoginSeen
from munshi.infrastructure.database.auth_repository import StoredLogin
from munshi.infrastructure.database.engine import Database
from munshi.settings import BrokerMode

# One statement, so that all parts show one state. Logins come first, by service.
_SQLITE = f"""
SELECT 0, service_type, user_id, user_name, expires_at, NULL, NULL, NULL, NULL, NULL, NULL
FROM "AuthSessions" WHERE is_active = 1 AND mode = ? AND account = ?
UNION ALL
SELECT 1, fingerprint, kind, severity, raised_at, title, link, subject, state, id,
  json_object('fired_at', fired_at, 'cleared_at', cleared_at, 'times', times, 'told', told,
    'told_at', told_at, 'acknowledged_at', acknowledged_at, 'acknowledged_by', acknowledged_by,
    'source', source, 'labels', json(labels))
FROM "Alerts" WHERE state <> 'resolved'
UNION ALL
SELECT 2, config_value, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM "SystemConfigurations"
WHERE config_type = '{AUTH}' AND config_key = '{EXPIRY_WARNING_MINUTES}' AND is_active = 1
ORDER BY 1, 5
"""
# Only for a broker at which nobody is logged in.
_SQLITE_ENDED = """
SELECT s.session_id, s.expires_at, s.updated_at, r.rejected_session_id, r.rejected_why
FROM "AuthSessions" AS s LEFT JOIN "LoginStates" AS r
  ON r.mode = s.mode AND r.account = s.account AND r.service_type = s.service_type
WHERE s.service_type = ? AND s.mode = ? AND s.account = ? AND s.is_active = 0
ORDER BY s.created_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginBoard:
    """Active logins, expired ones included, and open alerts, oldest first.

    `ended` has the last login of each service that has no active one. `warning_minutes` is what
    the configuration says of it, if it does.
    """

    logins: list[StoredLogin]
    alerts: list[Alert]
    ended: Mapping[Service, LoginSeen] = field(default_factory=dict)
    warning_minutes: int | None = None


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
        warning_minutes = None
        for row in self._database.fetch_held(_SQLITE, (mode.value, account)):
            if row[0] == 0:
                logins.append(_login(row))
            elif row[0] == 1:
                alerts.append(_alert(row))
            else:
                warning_minutes = int(json.loads(row[1]))
        ended = {
            service: _ended(row)
            for service in _without(logins)
            for row in self._database.fetch_held(_SQLITE_ENDED, (service, mode.value, account))
        }
        return LoginBoard(
            logins=logins, alerts=alerts, ended=ended, warning_minutes=warning_minutes
        )

    def read_by_repositories(self, *, mode: BrokerMode, account: str = "main") -> LoginBoard:
        """The same on every database."""
        with self._database.reading() as tx:
            logins = tx.auth.list_active_logins(account=account, mode=mode)
            found = {
                service: tx.login_states.get_last_login(service, mode=mode, account=account)
                for service in _without(logins)
            }
            entry = tx.config.get_config(AUTH, EXPIRY_WARNING_MINUTES)
            return LoginBoard(
                logins=logins,
                alerts=tx.alerts.list_open_alerts(),
                ended={service: login for service, login in found.items() if login is not None},
                warning_minutes=None if entry is None else int(entry.value),
            )


def _without(logins: list[StoredLogin]) -> list[Service]:
    """The services at which nobody is logged in."""
    there = {login.service for login in logins}
    return [service for service in Service if service not in there]


def _login(row: tuple[Any, ...]) -> StoredLogin:
    return StoredLogin(
        service=Service(row[1]),
        user_id=row[2],
        user_name=row[3],
        expires_at=datetime.fromisoformat(row[4]),
    )


def _ended(row: tuple[Any, ...]) -> LoginSeen:
    is_rejected = row[3] == row[0]
    return LoginSeen(
        session_id=UUID(row[0]),
        expires_at=datetime.fromisoformat(row[1]),
        is_active=False,
        changed_at=datetime.fromisoformat(row[2]),
        is_rejected=is_rejected,
        why=row[4] if is_rejected else None,
    )


def _alert(row: tuple[Any, ...]) -> Alert:
    more = json.loads(row[10])
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
        fired_at=_instant(more["fired_at"]),
        cleared_at=_instant(more["cleared_at"]),
        times=more["times"],
        told=more["told"],
        told_at=_instant(more["told_at"]),
        acknowledged_at=_instant(more["acknowledged_at"]),
        acknowledged_by=more["acknowledged_by"],
        source=more["source"],
        labels=more["labels"] or {},
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
