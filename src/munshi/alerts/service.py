"""Shows alerts, and lets a person acknowledge, silence or put them away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from munshi.clock import Clock, show_ist
from munshi.domain.alert_delivery import Delivery, Message, Silence, plain
from munshi.domain.alert_rules import AlertRule
from munshi.domain.alerts import Alert
from munshi.domain.audit import Actor
from munshi.domain.places import Page, Place, cut, read_cursor
from munshi.errors import (
    AlertSilenceInvalidError,
    AlertSilenceUnknownError,
    AlertUnknownError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.transaction import Transaction

# Messages among which those about one alert are looked for.
MESSAGES_LOOKED_AT = 500
LONGEST_PATTERN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStory:
    """A message with every try to deliver it, first one first."""

    message: Message
    deliveries: Sequence[Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStory:
    """An alert, its rule, the silences that cover it, and what was sent of it, newest first."""

    alert: Alert
    rule: AlertRule
    silences: Sequence[Silence]
    messages: Sequence[MessageStory]


class AlertService:
    """Alerts are raised by whoever notices, in the transaction of what they noticed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list_open(self) -> list[Alert]:
        """Pending ones included, oldest first."""
        with self._database.reading() as tx:
            return tx.alerts.list_open_alerts()

    def list_recent(self, limit: int = 50) -> list[Alert]:
        """Newest first, resolved ones included."""
        with self._database.reading() as tx:
            return tx.alerts.list_alerts(limit=limit)

    def page(self, *, cursor: str | None, limit: int) -> Page[Alert]:
        """Newest first, resolved ones included. Raises CursorInvalidError."""
        after = read_cursor("alerts", cursor)
        with self._database.reading() as tx:
            found = tx.alerts.list_alerts(limit=limit + 1, after=after)
        return cut(found, limit=limit, name="alerts", place=_place)

    def list_rules(self) -> dict[str, AlertRule]:
        """Every rule by name, as it is in force."""
        with self._database.reading() as tx:
            return tx.alerts.list_rules()

    def list_messages(self, limit: int = 50) -> list[MessageStory]:
        """What was told, newest first."""
        with self._database.reading() as tx:
            return [_story(tx, each) for each in tx.alert_outbox.list_messages(limit=limit)]

    def show(self, alert: str) -> AlertStory:
        """By id, or by the fingerprint of an open one. Raises AlertUnknownError."""
        now = self._clock.now()
        with self._database.reading() as tx:
            found = _find(tx, alert, only_open=False)
            sent = tx.alert_outbox.list_messages(limit=MESSAGES_LOOKED_AT)
            return AlertStory(
                alert=found,
                rule=tx.alerts.get_rule(found.kind),
                silences=[
                    each
                    for each in tx.alert_outbox.list_silences(now=now)
                    if each.covers(found, now=now)
                ],
                messages=[
                    _story(tx, each) for each in sent if str(found.alert_id) in each.alert_ids
                ],
            )

    def acknowledge(self, alert: str, *, actor: Actor) -> Alert:
        """Somebody looks after it: it is not repeated any more. Twice is once.

        Raises AlertUnknownError.
        """
        now = self._clock.now()
        with self._database.transaction() as tx:
            found = _find(tx, alert)
            if tx.alerts.acknowledge(found.alert_id, by=actor.user_id[:100], now=now):
                _audit(tx, found, "acknowledged", actor=actor, now=now)
            return tx.alerts.get_alert(found.alert_id) or found

    def resolve(self, alert: str, *, actor: Actor) -> None:
        """Put away the open alert of this id or fingerprint, whatever it was about.

        It is raised again when its cause is noticed again. Raises AlertUnknownError.
        """
        now = self._clock.now()
        with self._database.transaction() as tx:
            found = _find(tx, alert)
            if not tx.alerts.put_away(found, now=now):
                raise _unknown(alert)
            _audit(tx, found, "resolved", actor=actor, now=now)

    def silence(self, pattern: str, *, reason: str, ends_at: datetime, actor: Actor) -> Silence:
        """Tell nobody of alerts of this fingerprint or kind (stars allowed) until it ends.

        Raises AlertSilenceInvalidError.
        """
        now = self._clock.now()
        made = Silence(
            silence_id=uuid4(),
            pattern=pattern.strip(),
            reason=plain(reason),
            created_by=actor.user_id[:100],
            created_at=now,
            ends_at=ends_at,
        )
        if not 0 < len(made.pattern) <= LONGEST_PATTERN or not made.reason:
            raise AlertSilenceInvalidError(
                f"A silence needs a reason, and a pattern of at most {LONGEST_PATTERN} characters.",
                hint="For example: munshi alerts silence 'job_dead:*' --for 2h --reason …",
            )
        if ends_at <= now:
            raise AlertSilenceInvalidError(f"It would have ended {show_ist(ends_at)}.")
        with self._database.transaction() as tx:
            tx.alert_outbox.add_silence(made)
            tx.audit.log(
                "alert_silence",
                "created",
                entity_id=str(made.silence_id),
                new_value={"pattern": made.pattern, "ends_at": ends_at.isoformat()},
                details={"reason": made.reason},
                actor=actor,
                now=now,
            )
        return made

    def list_silences(self) -> list[Silence]:
        """Those in force, the one that ends first first."""
        with self._database.reading() as tx:
            return tx.alert_outbox.list_silences(now=self._clock.now())

    def end_silence(self, silence_id: UUID, *, actor: Actor) -> None:
        """Raises AlertSilenceUnknownError."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            if not tx.alert_outbox.end_silence(silence_id, now=now):
                raise AlertSilenceUnknownError(
                    f"There is no silence {silence_id} in force.",
                    hint="List them with `munshi alerts silences`.",
                )
            tx.audit.log("alert_silence", "ended", entity_id=str(silence_id), actor=actor, now=now)

    def cleanup(self, days: int, *, actor: Actor) -> int:
        """Forget what ended more than `days` ago; how many alerts, messages and silences."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            forgotten = tx.alert_outbox.cleanup(before=now - timedelta(days=days))
            if forgotten:
                details = {"days": days, "deleted": forgotten}
                tx.audit.log("alert", "cleanup", details=details, actor=actor, now=now)
        return forgotten


def _place(alert: Alert) -> Place:
    return Place(at=alert.raised_at, row=alert.alert_id)


def _story(tx: Transaction, message: Message) -> MessageStory:
    return MessageStory(
        message=message, deliveries=tx.alert_outbox.list_deliveries(message.message_id)
    )


def _find(tx: Transaction, alert: str, *, only_open: bool = True) -> Alert:
    for each in tx.alerts.list_open_alerts():
        if alert in {str(each.alert_id), each.fingerprint}:
            return each
    try:
        found = None if only_open else tx.alerts.get_alert(UUID(alert))
    except ValueError:
        found = None
    if found is None:
        raise _unknown(alert)
    return found


def _unknown(alert: str) -> AlertUnknownError:
    return AlertUnknownError(
        f"There is no open alert {plain(alert, longest=200)!r}.",
        hint="List them with `munshi alerts`.",
    )


def _audit(tx: Transaction, alert: Alert, action: str, *, actor: Actor, now: datetime) -> None:
    tx.audit.log(
        "alert",
        action,
        entity_id=alert.fingerprint,
        old_value={"state": alert.state},
        new_value={"state": "resolved" if action == "resolved" else alert.state},
        details={"kind": alert.kind, "severity": alert.severity},
        actor=actor,
        now=now,
    )
