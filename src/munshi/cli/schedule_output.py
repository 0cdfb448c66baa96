"""How commands show schedules."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer

from munshi.cli.output import print_json, print_mode, show_instant, show_minute
from munshi.clock import IST
from munshi.domain.schedules import Execution, ExecutionStatus
from munshi.domain.triggers.trigger import span
from munshi.scheduler.service import ScheduleView

_OUTCOMES = {
    ExecutionStatus.MISSED: "missed",
    ExecutionStatus.FAILED: "could not be started",
}


def schedule_document(view: ScheduleView) -> dict[str, Any]:
    """The names that the API uses."""
    return {
        "name": view.name,
        "description": view.description,
        "version": view.version,
        "is_seeded": view.is_seeded,
        "enabled": view.enabled,
        "timing": view.timing,
        "schedule": None if view.schedule is None else view.schedule.to_json(),
        "next_runs": list(view.next_runs),
        "last": None if view.last is None else asdict(view.last),
        "missed": view.missed,
        "error": view.error,
    }


def list_row(view: ScheduleView, *, now: datetime) -> tuple[object, ...]:
    last = view.last
    told = "" if last is None else f"{show_minute(last.scheduled_for)} {outcome_text(last)}"
    return (view.name, view.timing, next_text(view, now=now), told, view.missed)


def next_text(view: ScheduleView, *, now: datetime | None = None) -> str:
    """The next runs in IST, a day once where several fall on it; or why there are none."""
    if view.schedule is not None and not view.enabled:
        return "paused"
    shown: list[str] = []
    day = None if now is None else now.astimezone(IST).date()
    for due in view.next_runs:
        local = due.astimezone(IST)
        shown.append(f"{local:%H:%M}" if local.date() == day else f"{local:%d %b %H:%M}")
        day = local.date()
    if view.error:
        shown.append(view.error)
    return ", ".join(shown) or "never again"


def outcome_text(row: Execution) -> str:
    """`succeeded`, `failed`, `missed`, `37 missed until 23 Nov 09:15`."""
    if row.status is ExecutionStatus.GAP and row.missed_until is not None:
        return f"{row.missed_count} missed until {show_minute(row.missed_until)}"
    if row.status in _OUTCOMES:
        return _OUTCOMES[row.status]
    asked = " (asked for)" if row.status is ExecutionStatus.ON_DEMAND else ""
    if row.success is None:
        return f"not ended yet{asked}"
    return f"{'succeeded' if row.success else 'failed'}{asked}"


def took_text(row: Execution) -> str:
    return "" if row.duration_ms is None else f"{row.duration_ms / 1000:.1f} s"


def print_schedule(view: ScheduleView, *, mode: str, as_json: bool) -> None:
    if as_json:
        print_json({"mode": mode, **schedule_document(view)})
        return
    print_mode(mode)
    last = view.last
    lines: dict[str, object] = {
        "schedule": view.name,
        "for": view.description,
        "when": view.timing,
        "next": next_text(view),
        "last": last and f"{show_instant(last.scheduled_for)}: {outcome_text(last)}",
        "said": last and (last.error_details or last.result_message),
        "missed": view.missed and f"{view.missed} in the last 30 days",
    }
    schedule = view.schedule
    if schedule is not None:
        rule = schedule.missed
        within = f", not after {span(rule.within_seconds)}" if rule.within_seconds else ""
        lines |= {
            "job": schedule.job_type,
            "parameters": json.dumps(schedule.parameters) if schedule.parameters else None,
            "if missed": f"{rule.policy}{f' up to {rule.most}' if rule.most > 1 else ''}{within}",
            "grace": span(schedule.grace_seconds),
            "queue": schedule.queue,
            "priority": schedule.priority or None,
        }
    for name, value in lines.items():
        if value:
            typer.echo(f"{name:<12}{value}")
