"""The desk's own rules for alerts: what a new database holds, for people to see and to change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from munshi.domain.alert_rules import AlertRule, read_rule

_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededAlert:
    """`document` is what is stored under `alert.<name>`."""

    name: str
    document: Mapping[str, Any]
    description: str


def _seed(name: str, description: str, **document: Any) -> SeededAlert:  # noqa: ANN401 - JSON
    return SeededAlert(name=name, document={"enabled": True, **document}, description=description)


SEEDED_ALERTS = (
    _seed(
        "session_expiring",
        "A login at a broker ends soon, on a trading day (auth/expiry_warning_minutes says when).",
        severity="warning",
        means="Collections, streams and quotes of this broker stop when it ends.",
        page="/ui/",
    ),
    _seed(
        "session_rejected",
        "A broker does not take a login any more that should still be good.",
        severity="critical",
        means="Nothing works with this broker until somebody logs in again.",
        page="/ui/",
    ),
    _seed(
        "login_failed",
        "Logging in at a broker failed twice in a row.",
        severity="critical",
        times=2,
        means="Without a login today's collections and streams of this broker do not run.",
        page="/ui/",
    ),
    _seed(
        "job_dead",
        "Jobs have failed so often that they are not tried again.",
        severity="warning",
        when={"source": "jobs", "measure": "dead", "above": 0},
        means="What they were to do is not done until somebody runs them again.",
        page="/ui/jobs?state=dead",
    ),
    _seed(
        "schedule_missed",
        "A schedule missed a due time in the last day.",
        severity="warning",
        when={
            "source": "schedules",
            "except": "health_sweep session_watch",
            "measure": "missed",
            "above": 0,
        },
        means="What it starts was not done at that time; run it now if today needs it.",
        page="/ui/schedules",
    ),
    _seed(
        "backlog_old",
        "A job has waited for long for a worker.",
        severity="warning",
        for_seconds=5 * _MINUTE,
        keep_firing_seconds=5 * _MINUTE,
        when={"source": "health", "name": "backlog", "status": "warn"},
        means="Jobs run later than they should.",
        page="/ui/jobs?state=queued",
    ),
    _seed(
        "worker_gone",
        "No worker runs.",
        severity="critical",
        for_seconds=_MINUTE,
        when={"source": "health", "name": "workers", "measure": "alive", "below": 1},
        means="No job runs: no login, no collection, no backtest.",
        page="/ui/health",
    ),
    _seed(
        "disk_low",
        "Less than a tenth of the disk is free.",
        severity="warning",
        for_seconds=_MINUTE,
        keep_firing_seconds=10 * _MINUTE,
        when={"source": "health", "name": "disk", "measure": "free_percent", "below": 10},
        means="When it is full nothing can be stored, candles and audit included.",
        page="/ui/health",
    ),
    _seed(
        "disk_full",
        "The disk has almost no room left (a quarter of health/least_free_mb).",
        severity="critical",
        keep_firing_seconds=10 * _MINUTE,
        when={"source": "health", "name": "disk", "status": "fail"},
        means="Storing candles, jobs and audit rows is about to fail.",
        page="/ui/health",
    ),
    _seed(
        "audit_broken",
        "Checking the audit trail found that it is not as it was sealed.",
        severity="critical",
        means="Somebody or something changed records; do not rely on the trail before it is clear.",
        page="/ui/audit",
    ),
    _seed(
        "quota_high",
        "More than four fifths of a broker's calls of a day are used.",
        severity="warning",
        when={"source": "quota", "measure": "used_percent", "above": 80},
        means="When it is used up, this broker answers nothing until tomorrow.",
        page="/ui/limits",
    ),
    _seed(
        "data_gap",
        "Bars are missing of what was collected.",
        severity="warning",
        keep_firing_seconds=10 * _MINUTE,
        when={"source": "gaps", "measure": "days", "above": 0},
        means="Backtests and signals over these days see less than there was.",
        page="/ui/data",
    ),
    _seed(
        "database_slow",
        "The database answers slowly.",
        severity="warning",
        for_seconds=5 * _MINUTE,
        keep_firing_seconds=5 * _MINUTE,
        when={"source": "health", "name": "database", "status": "warn"},
        means="Everything is slower; the audit trail may be sealed late.",
        page="/ui/health",
    ),
)
_BY_NAME = {seed.name: seed for seed in SEEDED_ALERTS}


def rules_in_force(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, AlertRule]:
    """By name: what is stored, and the desk's own rules as they are declared where nothing is."""
    documents = {seed.name: seed.document for seed in SEEDED_ALERTS} | dict(stored)
    return {name: read_rule(name, document) for name, document in documents.items()}


def rule_in_force(name: str, stored: Mapping[str, Any] | None) -> AlertRule:
    """One of them; an empty rule for a kind of which nobody has said anything."""
    seed = _BY_NAME.get(name)
    return read_rule(name, stored if stored is not None else seed.document if seed else {})
