"""SQL for Alerts."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from munshi.domain.alerts import Alert, Severity
from munshi.infrastructure.database.models import alerts

_OPEN = (
    select(alerts)
    .where(alerts.c.fingerprint == bindparam("print"), alerts.c.state == "open")
    .with_for_update()
)
_INSERT = insert(alerts)
_REFRESH = (
    update(alerts)
    .where(alerts.c.id == bindparam("row"))
    .values(title=bindparam("new_title"), link=bindparam("new_link"))
)
_RESOLVE = (
    update(alerts)
    .where(alerts.c.fingerprint == bindparam("print"), alerts.c.state == "open")
    .values(state="resolved", resolved_at=bindparam("at"))
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
        """Open an alert, or refresh the open one of the same fingerprint."""
        found = self._connection.execute(_OPEN, {"print": fingerprint}).one_or_none()
        if found is not None:
            self._connection.execute(
                _REFRESH, {"row": found.id, "new_title": title, "new_link": link}
            )
            return
        self._connection.execute(
            _INSERT,
            {
                "id": uuid4(),
                "fingerprint": fingerprint,
                "kind": kind,
                "severity": severity,
                "state": "open",
                "title": title,
                "link": link,
                "subject": subject,
                "raised_at": now,
            },
        )

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
