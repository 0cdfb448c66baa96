"""SQL for Alerts. What makes one fire or end writes the notice of it in the same transaction."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, delete, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from munshi.domain.alert_rules import AlertRule
from munshi.domain.alerts import (
    Alert,
    AlertPolicy,
    AlertState,
    NoticeEvent,
    Severity,
    Standing,
    observe,
)
from munshi.domain.config_keys import ALERT_PREFIX, ALERTS
from munshi.domain.places import TOP, Place
from munshi.domain.seeded_alerts import rule_in_force, rules_in_force
from munshi.infrastructure.database.models import alert_notices, alerts, system_configurations
from munshi.infrastructure.database.newest_first import follows, place_values

_config = system_configurations.c
_RULE = select(_config.config_value).where(
    _config.config_type == ALERTS, _config.config_key == bindparam("key"), _config.is_active
)
_RULES = select(_config.config_key, _config.config_value).where(
    _config.config_type == ALERTS,
    _config.config_key.like(f"{ALERT_PREFIX}%"),
    _config.is_active,
)
_columns = alerts.c
# The literal lets the planner use the index of what is open.
_open = _columns.state != literal_column("'resolved'")
_INSERT = insert(alerts)
_FIND = select(alerts).where(_columns.fingerprint == bindparam("print"), _open)
_FIND_ID = select(alerts).where(_columns.id == bindparam("row"))
_LIST_OPEN = select(alerts).where(_open).order_by(_columns.raised_at, _columns.id)
_LIST_ALL = (
    select(alerts)
    .where(follows(_columns.raised_at, _columns.id))
    .order_by(_columns.raised_at.desc(), _columns.id)
    .limit(bindparam("most"))
)
_this = (_columns.id == bindparam("row"), _columns.state == bindparam("was"))
_MOVE = (
    update(alerts)
    .where(*_this)
    .values(
        state=bindparam("to"),
        fired_at=bindparam("new_fired_at"),
        cleared_at=bindparam("new_cleared_at"),
        resolved_at=bindparam("new_resolved_at"),
        times=bindparam("new_times"),
    )
)
_SAY = (
    update(alerts)
    .where(*_this)
    .values(
        kind=bindparam("new_kind"),
        severity=bindparam("new_severity"),
        title=bindparam("new_title"),
        link=bindparam("new_link"),
    )
)
_FORGET = delete(alerts).where(*_this)
_NUMBER = (
    update(alerts)
    .where(_columns.id == bindparam("row"), _columns.told == bindparam("before"))
    .values(told=_columns.told + 1, told_at=bindparam("at"))
)
_NOTICE = insert(alert_notices)
_ACKNOWLEDGE = (
    update(alerts)
    .where(_columns.id == bindparam("row"), _open, _columns.acknowledged_at.is_(None))
    .values(acknowledged_at=bindparam("at"), acknowledged_by=bindparam("by"))
)


class AlertRepository:
    """Raises, moves and resolves alerts in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_rule(self, kind: str) -> AlertRule:
        """What the configuration, or else the declaration, says of alerts of this kind."""
        stored = self._connection.execute(_RULE, {"key": ALERT_PREFIX + kind}).scalar()
        return rule_in_force(kind, stored)

    def list_rules(self) -> dict[str, AlertRule]:
        """Every rule by name."""
        rows = self._connection.execute(_RULES)
        return rules_in_force(
            {row.config_key.removeprefix(ALERT_PREFIX): row.config_value for row in rows}
        )

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

        The configuration `alert.<kind>` may give another severity, say how long or often it must
        be seen before it fires, or that alerts of this kind are not wanted.
        """
        self.see(
            self.get_rule(kind),
            fingerprint,
            severity=severity,
            title=title,
            link=link,
            subject=subject,
            now=now,
        )

    def see(
        self,
        rule: AlertRule,
        fingerprint: str,
        *,
        severity: Severity,
        title: str,
        link: str | None = None,
        subject: str | None = None,
        source: str | None = None,
        now: datetime,
    ) -> None:
        """The same by a rule at hand; `severity` is what the rule may overrule."""
        if not rule.is_enabled:
            return
        said = {
            "new_kind": rule.name,
            "new_severity": rule.severity or severity,
            "new_title": title,
            "new_link": link,
        }
        before = self.get_open_alert(fingerprint)
        if before is not None:
            self._see_again(before, rule.policy, said, now=now)
            return
        standing = observe(Standing(), seen=True, policy=rule.policy, now=now)
        alert_id = uuid4()
        row = {
            "id": alert_id,
            "fingerprint": fingerprint,
            "kind": rule.name,
            "severity": said["new_severity"],
            "state": standing.state,
            "title": title,
            "link": link,
            "subject": subject,
            "raised_at": now,
            "fired_at": now if standing.state is AlertState.FIRING else None,
            "source": source,
            "labels": dict(rule.labels) or None,
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(_INSERT, row)
        except IntegrityError:
            other = self.get_open_alert(fingerprint)  # somebody else opened it at this moment
            if other is None:
                raise
            self._see_again(other, rule.policy, said, now=now)
            return
        if standing.state is AlertState.FIRING:
            self._give_notice(alert_id, 0, NoticeEvent.FIRED, now=now)

    def _see_again(
        self, before: Alert, policy: AlertPolicy, said: Mapping[str, Any], *, now: datetime
    ) -> None:
        standing = before.standing
        if said["new_kind"] != before.kind:
            standing = replace(standing, times=0)
        after = observe(standing, seen=True, policy=policy, now=now)
        fires = before.state == AlertState.FIRING
        if fires and after.times < policy.times:
            # It fires for another reason; this one does not weigh yet.
            said = {**said, "new_severity": before.severity}
        if (before.kind, before.severity, before.title, before.link) != tuple(said.values()):
            self._connection.execute(_SAY, {**said, "row": before.alert_id, "was": before.state})
        self._move(before, after, now=now)
        if fires and Severity(said["new_severity"]).rank > before.severity.rank:
            self._give_notice(before.alert_id, before.told, NoticeEvent.WORSENED, now=now)

    def pass_time(self, alert: Alert, rule: AlertRule, *, now: datetime) -> None:
        """Let an open alert of which nothing new was seen become what time makes of it."""
        self._move(alert, observe(alert.standing, seen=None, policy=rule.policy, now=now), now=now)

    def see_gone(self, alert: Alert, policy: AlertPolicy, *, now: datetime) -> bool:
        """Its cause is seen to be gone; whether the alert has ended with it."""
        after = observe(alert.standing, seen=False, policy=policy, now=now)
        return self._move(alert, after, now=now) and after.state is not AlertState.FIRING

    def _move(self, before: Alert, after: Standing, *, now: datetime) -> bool:
        """Whether nobody else moved it first."""
        if after == before.standing:
            return True
        this = {"row": before.alert_id, "was": before.state}
        if after.state is AlertState.INACTIVE:
            return self._connection.execute(_FORGET, this).rowcount > 0
        is_over = after.state is AlertState.RESOLVED
        fires = after.state is AlertState.FIRING and before.state == AlertState.PENDING
        moved = self._connection.execute(
            _MOVE,
            this
            | {
                "to": after.state,
                "new_fired_at": now if fires else before.fired_at,
                "new_cleared_at": after.cleared_at,
                "new_resolved_at": now if is_over else None,
                "new_times": after.times,
            },
        )
        if moved.rowcount == 0:
            return False
        if fires or is_over:
            event = NoticeEvent.FIRED if fires else NoticeEvent.RESOLVED
            self._give_notice(before.alert_id, before.told, event, now=now)
        return True

    def repeat(self, alert: Alert, *, now: datetime) -> None:
        """Have it told once more."""
        self._give_notice(alert.alert_id, alert.told, NoticeEvent.REPEATED, now=now)

    def _give_notice(self, alert_id: UUID, told: int, event: NoticeEvent, *, now: datetime) -> None:
        counted = self._connection.execute(_NUMBER, {"row": alert_id, "before": told, "at": now})
        if counted.rowcount == 0:
            return  # somebody else gave one at this moment
        self._connection.execute(
            _NOTICE,
            {
                "notice_id": uuid4(),
                "alert_id": alert_id,
                "number": told + 1,
                "event": event,
                "created_at": now,
            },
        )

    def get_open_title(self, fingerprint: str) -> str | None:
        """What the open alert of `fingerprint` says, if there is one."""
        found = self.get_open_alert(fingerprint)
        return None if found is None else found.title

    def get_open_alert(self, fingerprint: str) -> Alert | None:
        row = self._connection.execute(_FIND, {"print": fingerprint}).first()
        return None if row is None else to_alert(row)

    def get_alert(self, alert_id: UUID) -> Alert | None:
        row = self._connection.execute(_FIND_ID, {"row": alert_id}).first()
        return None if row is None else to_alert(row)

    def resolve_alert(self, fingerprint: str, *, now: datetime) -> bool:
        """The cause of the open alert of `fingerprint` is gone; whether that ended it.

        A rule may keep it firing for a while.
        """
        found = self.get_open_alert(fingerprint)
        if found is None:
            return False
        return self.see_gone(found, self.get_rule(found.kind).policy, now=now)

    def put_away(self, alert: Alert, *, now: datetime) -> bool:
        """A person has done with it: it ends at once, whatever its rule says."""
        return self.see_gone(alert, AlertPolicy(), now=now)

    def acknowledge(self, alert_id: UUID, *, by: str, now: datetime) -> bool:
        """Whether it was open and nobody had acknowledged it."""
        done = self._connection.execute(_ACKNOWLEDGE, {"row": alert_id, "at": now, "by": by})
        return done.rowcount > 0

    def list_open_alerts(self) -> list[Alert]:
        """Pending ones included, oldest first."""
        return [to_alert(row) for row in self._connection.execute(_LIST_OPEN)]

    def list_alerts(self, *, limit: int, after: Place = TOP) -> list[Alert]:
        """Newest first, resolved ones included."""
        asked = {"most": limit, **place_values(after)}
        return [to_alert(row) for row in self._connection.execute(_LIST_ALL, asked)]


def to_alert(row: Row[Any]) -> Alert:
    """The alert of a row with all its columns."""
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
        fired_at=row.fired_at,
        cleared_at=row.cleared_at,
        times=row.times,
        told=row.told,
        told_at=row.told_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        source=row.source,
        labels=row.labels or {},
    )
