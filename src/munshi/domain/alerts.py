"""Alerts: one open row for each thing a person should look at, and what may follow what."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# Kinds that others than those who raise them look for; the first begins the fingerprints, too.
BROKER_LOGIN_KIND, HEALTH_KIND = "broker_login", "health"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Nought for the least."""
        return tuple(Severity).index(self)


class AlertState(StrEnum):
    """Inactive: nothing is seen, and there is no row. Pending: not seen long or often enough yet.

    Firing: a person should look. Resolved: over.
    """

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class NoticeEvent(StrEnum):
    """What is to be told of an alert."""

    FIRED = "fired"
    WORSENED = "worsened"
    REPEATED = "repeated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """What is seen for so long and so many times fires, and goes on a while when it is gone."""

    lasting: timedelta = timedelta(0)
    times: int = 1
    keep_firing: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one alert stands. `cleared_at` is since when it is not seen any more."""

    state: AlertState = AlertState.INACTIVE
    since: datetime | None = None
    times: int = 0
    cleared_at: datetime | None = None


def observe(before: Standing, *, seen: bool | None, policy: AlertPolicy, now: datetime) -> Standing:
    """Where the alert stands when its cause is seen, is seen to be gone, or nobody looked (None).

    A resolved alert never comes back: what is seen again is a new one.
    """
    match before.state:
        case AlertState.PENDING:
            if seen is False:
                return Standing()
            again = replace(before, times=before.times + 1) if seen else before
            return _promoted(again, policy, now=now)
        case AlertState.FIRING:
            return _kept_firing(before, seen=seen, policy=policy, now=now)
        case _ if seen:
            begun = Standing(state=AlertState.PENDING, since=now, times=1)
            return _promoted(begun, policy, now=now)
    return before


def _kept_firing(
    firing: Standing, *, seen: bool | None, policy: AlertPolicy, now: datetime
) -> Standing:
    if seen:
        return replace(firing, times=firing.times + 1, cleared_at=None)
    cleared = firing.cleared_at or (now if seen is False else None)
    if cleared is None:
        return firing
    is_over = now - cleared >= policy.keep_firing
    state = AlertState.RESOLVED if is_over else AlertState.FIRING
    return replace(firing, state=state, cleared_at=cleared)


def _promoted(pending: Standing, policy: AlertPolicy, *, now: datetime) -> Standing:
    lasted = now - (pending.since or now)
    if lasted >= policy.lasting and pending.times >= policy.times:
        return replace(pending, state=AlertState.FIRING)
    return pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One row of Alerts. `fingerprint` names the thing, and is unique until it is resolved.

    `raised_at` is when it was first seen, `fired_at` when it became more than pending. `told` is
    how many notices of it were written, and `told_at` when the last one was. `source` is
    what a rule's condition looked at; without one, somebody noticed it and raised it.
    """

    alert_id: UUID
    fingerprint: str
    kind: str
    severity: Severity
    state: str
    title: str
    link: str | None
    subject: str | None
    raised_at: datetime
    resolved_at: datetime | None
    fired_at: datetime | None = None
    cleared_at: datetime | None = None
    times: int = 1
    told: int = 0
    told_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    source: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def standing(self) -> Standing:
        return Standing(
            state=AlertState(self.state),
            since=self.raised_at,
            times=self.times,
            cleared_at=self.cleared_at,
        )
