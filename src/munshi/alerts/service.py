"""Shows alerts and lets a person put one away."""

from munshi.clock import Clock
from munshi.domain.alerts import Alert
from munshi.domain.audit import Actor
from munshi.errors import AlertUnknownError
from munshi.infrastructure.database.engine import Database


class AlertService:
    """Alerts are raised by whoever notices, in the transaction of what they noticed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list_open(self) -> list[Alert]:
        """Oldest first."""
        with self._database.reading() as tx:
            return tx.alerts.list_open_alerts()

    def list_recent(self, limit: int = 50) -> list[Alert]:
        """Newest first, resolved ones included."""
        with self._database.reading() as tx:
            return tx.alerts.list_alerts(limit=limit)

    def resolve(self, alert: str, *, actor: Actor) -> None:
        """Put away the open alert of this id or fingerprint, whatever it was about.

        It is raised again when its cause is noticed again. Raises AlertUnknownError.
        """
        now = self._clock.now()
        with self._database.transaction() as tx:
            found = next(
                (
                    each
                    for each in tx.alerts.list_open_alerts()
                    if alert in {str(each.alert_id), each.fingerprint}
                ),
                None,
            )
            if found is None or not tx.alerts.resolve_alert(found.fingerprint, now=now):
                raise AlertUnknownError(
                    f"There is no open alert {alert!r}.", hint="List them with `munshi alerts`."
                )
            tx.audit.log(
                "alert",
                "resolved",
                entity_id=found.fingerprint,
                old_value={"state": "open"},
                new_value={"state": "resolved"},
                details={"kind": found.kind, "severity": found.severity},
                actor=actor,
                now=now,
            )
