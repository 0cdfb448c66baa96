"""SQL for Alerts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.alerts import Alert, Severity
from munshi.domain.config_keys import ALERT_PREFIX, ALERTS
from munshi.infrastructure.database.models import alerts, system_configurations

_RULE = select(system_configurations.c.config_value).where(
    system_configurations.c.config_type == ALERTS,
    system_configurations.c.config_key == bindparam("key"),
    system_configurations.c.is_active,
)
_INSERT = insert(alerts)
_REFRESH = (
    update(alerts)
    .where(alerts.c.fingerprint == bindparam("print"), alerts.c.state == "open")
    .values(
        severity=bindparam("new_severity"),
        title=bindparam("new_title"),
        link=bindparam("new_link"),
    )
)
_RESOLVE = (
    update(alerts)
    .where(alerts.c.fingerprint == bindparam("print"), alerts.c.state == "open")
    .values(state="resolved", resolved_at=bindparam("at"))
)
_TITLE = select(alerts.c.title).where(
    alerts.c.fingerprint == bindparam("print"), alerts.c.state == "open"
)
_LIST_OPEN = select(alerts).where(alerts.c.state == "open").order_by(alerts.c.raised_at)
_LIST_ALL = select(alerts).order_by(alerts.c.raised_at.desc()).limit(bindparam("most"))


class AlertRepository:
    """Raises and resolves alerts in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def raise_alert(
        self,
        fingerprint: str,
        *,
        kind: str,
        severity: Severity,
        title: str,
        link: str | None = None,
        subject: str | None = None,
        now: datetime,
    ) -> None:
        """Open an alert, or refresh the open one of the same fingerprint.

        The configuration `alert.<kind>` may give another severity, or say that alerts of this
        kind are not wanted.
        """
        rule = self._connection.execute(_RULE, {"key": ALERT_PREFIX + kind}).scalar() or {}
        if not rule.get("enabled", True):
            return
        values = {
            "fingerprint": fingerprint,
            "kind": kind,
            "severity": rule.get("severity", severity),
            "state": "open",
            "title": title,
            "link": link,
            "subject": subject,
            "raised_at": now,
        }
        if not self._refresh(values):
            self._open(values)

    def _refresh(self, values: Mapping[str, Any]) -> bool:
        result = self._connection.execute(
            _REFRESH,
            {
                "print": values["fingerprint"],
                "new_severity": values["severity"],
                "new_title": values["title"],
                "new_link": values["link"],
            },
        )
        return result.rowcount > 0

    def _open(self, values: Mapping[str, Any]) -> None:
        try:
            with self._connection.begin_nested():
                self._connection.execute(_INSERT, {**values, "id": uuid4()})
        except IntegrityError:
            if not self._refresh(values):  # somebody else opened it at this moment
                raise

    def get_open_title(self, fingerprint: str) -> str | None:
        """What the open alert of `fingerprint` says, if there is one."""
        title: str | None = self._connection.execute(_TITLE, {"print": fingerprint}).scalar()
        return title

    def resolve_alert(self, fingerprint: str, *, now: datetime) -> bool:
        """Close the open alert of `fingerprint`; whether there was one."""
        result = self._connection.execute(_RESOLVE, {"print": fingerprint, "at": now})
        return result.rowcount > 0

    def list_open_alerts(self) -> list[Alert]:
        return [_alert(row) for row in self._connection.execute(_LIST_OPEN)]

    def list_alerts(self, *, limit: int) -> list[Alert]:
        """Newest first, resolved ones included."""
        return [_alert(row) for row in self._connection.execute(_LIST_ALL, {"most": limit})]


def _alert(row: Row[tuple[object, ...]]) -> Alert:
    return Alert(
        alert_id=row.id,
        fingerprint=row.fingerprint,
        kind=row.kind,
        severity=Severity(row.severity),
        state=row.state,
        title=row.title,
        link=row.link,
        subject=row.subject,
        raised_at=row.raised_at,
        resolved_at=row.resolved_at,
    )
