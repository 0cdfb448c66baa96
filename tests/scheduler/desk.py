"""A desk with schedules: its configuration, its jobs, and as many schedulers as a test wants."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from clocks import FakeClock
from jobs.handlers import REGISTRY, Stage
from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.alerts import Alert
from munshi.domain.audit import Actor
from munshi.domain.config_keys import SCHEDULE_PREFIX, SCHEDULER
from munshi.domain.jobs import Job
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.schedules import Execution, ExecutionStatus
from munshi.infrastructure.database.engine import Database
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker
from munshi.market.calendar_service import CalendarService
from munshi.scheduler.database_scheduler import DatabaseScheduler

ASHA = Actor(user_id="asha")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def every(number: int, unit: str = "minutes") -> dict[str, Any]:
    return {"kind": "interval", "every": number, "unit": unit}


def document(trigger: dict[str, Any], **fields: object) -> dict[str, Any]:
    """A schedule of the job `echo`."""
    usual = {"job_type": "echo", "parameters": {"text": "hello"}, "enabled": True}
    return {**usual, "trigger": trigger, **fields}


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on one database and one clock."""

    database: Database
    clock: FakeClock
    schedulers: list[DatabaseScheduler] = field(default_factory=list)

    @property
    def config(self) -> ConfigService:
        return ConfigService(self.database, self.clock)

    @property
    def jobs(self) -> JobService:
        return JobService(self.database, self.clock, registry=REGISTRY)

    def scheduler(self, *, clock: Clock | None = None) -> DatabaseScheduler:
        ticking = clock or self.clock
        made = DatabaseScheduler(
            self.database,
            ticking,
            jobs=JobService(self.database, ticking, registry=REGISTRY),
            calendar=self.calendar,
            poll_seconds=0.05,
        )
        self.schedulers.append(made)
        return made

    def calendar(self) -> MarketCalendar:
        return CalendarService(self.config).calendar()

    def save(self, trigger: dict[str, Any], *, name: str = "echo", **fields: Any) -> None:  # noqa: ANN401
        self.config.set(SCHEDULER, SCHEDULE_PREFIX + name, document(trigger, **fields), actor=ASHA)

    def remove(self, name: str = "echo") -> None:
        self.config.set(SCHEDULER, SCHEDULE_PREFIX + name, None, actor=ASHA)

    def rows(self, name: str = "echo") -> list[Execution]:
        """Oldest due first."""
        with self.database.reading() as tx:
            return tx.schedules.list_executions(name, limit=1000)[::-1]

    def due_times(self, status: ExecutionStatus, name: str = "echo") -> list[datetime]:
        return [row.scheduled_for for row in self.rows(name) if row.status is status]

    def stored_jobs(self) -> list[Job]:
        """Oldest first."""
        return list(self.jobs.recent(500).jobs)[::-1]

    def work(self) -> None:
        """Run what is queued, here."""
        Worker(
            self.database, self.clock, registry=REGISTRY, services=Stage(), poll_seconds=0.02
        ).run_until_idle()

    def open_alerts(self) -> list[Alert]:
        with self.database.reading() as tx:
            return tx.alerts.list_open_alerts()

    def close(self) -> None:
        for scheduler in self.schedulers:
            scheduler.stop()
