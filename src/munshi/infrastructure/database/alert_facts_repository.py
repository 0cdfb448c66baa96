"""SQL that says what rules for alerts look at: jobs, missed due times, gaps. All bounded."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, literal_column, select, true, union_all

from munshi.domain.alert_rules import Fact
from munshi.infrastructure.database.models import (
    background_jobs,
    candle_gaps,
    scheduler_executions,
)
from munshi.settings import BrokerMode

ONE_DAY = timedelta(days=1)
MOST_JOBS = 5_000

_jobs, _runs, _gaps = background_jobs.c, scheduler_executions.c, candle_gaps.c


# The newest jobs of each state; the literals let the planner use the index of rare states.
_NEWEST = tuple(
    select(_jobs.job_type, _jobs.status)
    .where(
        _jobs.status == literal_column(f"'{state}'"),
        # What is dead or held stays so until somebody decides; a failure is soon old news.
        _jobs.created_at >= bindparam("since") if state == "failed" else true(),
    )
    .order_by(_jobs.created_at.desc())
    .limit(literal_column(str(MOST_JOBS)))
    .subquery(f"in_{state}")
    for state in ("dead", "held", "failed")
)
_JOBS = union_all(
    *(
        select(each.c.job_type, each.c.status, func.count().label("jobs")).group_by(
            each.c.job_type, each.c.status
        )
        for each in _NEWEST
    )
)
_MISSED = (
    select(
        _runs.job_name,
        func.sum(_runs.missed_count).label("missed"),
        func.max(_runs.scheduled_for).label("last"),
    )
    .where(
        _runs.missed_count > literal_column("0"),
        _runs.scheduled_for >= bindparam("since"),
    )
    .group_by(_runs.job_name)
)
_GAPS = (
    select(
        _gaps.exchange,
        _gaps.instrument,
        _gaps.interval,
        func.count().label("days"),
        func.max(_gaps.day).label("last"),
    )
    .where(_gaps.mode == bindparam("of_mode"), _gaps.last_seen >= bindparam("since"))
    .group_by(_gaps.exchange, _gaps.instrument, _gaps.interval)
)


class AlertFactsRepository:
    """It writes nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_jobs(self, *, now: datetime) -> Iterator[Fact]:
        """Dead and held jobs by type, and those that failed in the last day."""
        counts: dict[str, dict[str, int]] = {}
        for row in self._connection.execute(_JOBS, {"since": now - ONE_DAY}):
            counts.setdefault(row.job_type, {})[row.status] = row.jobs
        for job_type, by_state in sorted(counts.items()):
            said = ", ".join(f"{number} {state}" for state, number in sorted(by_state.items()))
            yield Fact(
                source="jobs",
                name=job_type,
                says=f"Jobs of {job_type}: {said}. See: munshi jobs list --type {job_type}",
                measures=by_state,
            )

    def list_missed(self, *, now: datetime) -> Iterator[Fact]:
        """Schedules with due times in the last day that nobody started."""
        for row in self._connection.execute(_MISSED, {"since": now - ONE_DAY}):
            times = "once" if row.missed == 1 else f"{row.missed} times"
            yield Fact(
                source="schedules",
                name=row.job_name,
                says=f"Schedule {row.job_name} was missed {times} in the last day. "
                f"See: munshi schedule show {row.job_name}",
                measures={"missed": int(row.missed)},
            )

    def list_gaps(self, *, mode: BrokerMode, now: datetime) -> Iterator[Fact]:
        """Series of which a collection of the last day did not get every bar."""
        values = {"of_mode": mode, "since": now - ONE_DAY}
        for row in self._connection.execute(_GAPS, values):
            name = f"{row.exchange}:{row.instrument} {row.interval}"
            days = "1 day" if row.days == 1 else f"{row.days} days"
            yield Fact(
                source="gaps",
                name=name,
                says=f"{name} lacks bars on {days}, the last one {row.last:%d %b %Y}.",
                measures={"days": row.days},
            )
