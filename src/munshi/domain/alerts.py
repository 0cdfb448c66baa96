"""Alerts: one open row for each thing a person should look at."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One row of Alerts. `fingerprint` names the thing, and is unique while the alert is open."""

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
