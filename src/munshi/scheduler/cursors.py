"""Moves the schedules' cursors when the configuration or the market calendar has changed."""

from datetime import datetime

from munshi.domain.alerts import Severity
from munshi.domain.config_keys import SCHEDULER
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import ExecutionStatus, ScheduleCursor
from munshi.infrastructure.database.transaction import Transaction
from munshi.scheduler.firing import alert_of, raise_alert, save_missed
from munshi.scheduler.plan import PATIENCE, Change, Planned, plan

CALENDAR_ALERT = "calendar_ends"
_HISTORY = 200


def change_of(
    tx: Transaction,
    planned: Planned,
    seen: ScheduleCursor | None,
    calendar: MarketCalendar,
    now: datetime,
) -> Change | None:
    """What has to become of a schedule's cursor, in the transaction that read the schedule."""
    history = (
        tx.config.get_history(SCHEDULER, planned.key, limit=_HISTORY)
        if seen is not None and seen.config_version < planned.version
        else []
    )
    return plan(planned, seen, history, calendar=calendar, now=now)


def apply_change(tx: Transaction, change: Change, *, now: datetime) -> None:
    """Move the cursor, unless another scheduler did; say what was missed and what is wrong."""
    planned = change.planned
    if not tx.schedules.save_cursor(change.cursor, seen=change.seen, now=now):
        return
    if change.seen is not None and change.seen.done_until > now + PATIENCE:
        # The clock has stepped back: what it called missed has not come yet.
        tx.schedules.delete_missed(planned.name, after=now)
    save_missed(tx, planned.name, change.missed)
    if change.error is None:
        tx.alerts.resolve_alert(alert_of(planned.name), now=now)
        return
    if planned.schedule is None:
        tx.schedules.save_execution(
            planned.name,
            ExecutionStatus.FAILED,
            scheduled_for=planned.since,
            error_details=change.error,
        )
    raise_alert(tx, planned.name, f"has no next run: {change.error}", now=now)


def raise_calendar_alert(tx: Transaction, calendar: MarketCalendar, *, now: datetime) -> None:
    last = calendar.years[-1]
    tx.alerts.raise_alert(
        CALENDAR_ALERT,
        kind=CALENDAR_ALERT,
        severity=Severity.WARNING,
        title=f"The market calendar ends with {last}, and schedules go by it. Add {last + 1}: "
        "munshi calendar import FILE",
        now=now,
    )
