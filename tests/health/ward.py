"""A desk under watch: its rows as others would have written them, and components tests command."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert

from clocks import FakeClock
from munshi.domain.enums import Service
from munshi.domain.health import Finding, HealthStatus
from munshi.domain.sessions import BrokerSession
from munshi.health.ground import Check, CheckGround
from munshi.health.service import HealthService
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.models import (
    background_jobs,
    job_workers,
    schedule_cursors,
)
from munshi.settings import BrokerMode


@dataclass(frozen=True, slots=True)
class Ward:
    """The ground, and rows that others would have written."""

    ground: CheckGround
    clock: FakeClock

    @property
    def database(self) -> Database:
        return self.ground.database

    def insert(self, table: Table, **values: Any) -> None:  # noqa: ANN401
        with self.database.engine.begin() as connection:
            connection.execute(insert(table).values(**values))

    def worker(self, name: str, *, silent: float = 0, **values: Any) -> None:  # noqa: ANN401
        """A worker last heard of `silent` seconds ago."""
        row = {
            "worker_id": name,
            "host": "desk-1",
            "process_id": 42,
            "status": "working",
            "threads": 4,
            "running": 0,
            "abandoned": 0,
            "started_at": self.clock.now() - timedelta(hours=2),
            "heartbeat_at": self.clock.now() - timedelta(seconds=silent),
        }
        self.insert(job_workers, **(row | values))

    def schedule(self, name: str, *, due: timedelta | None) -> None:
        """A schedule due so long from now; None for one that never is."""
        self.insert(
            schedule_cursors,
            job_name=name,
            config_version=1,
            done_until=self.clock.now() - timedelta(days=1),
            next_due=None if due is None else self.clock.now() + due,
            updated_at=self.clock.now(),
        )

    def job(self, *, waited: float, queue: str = "default", **values: Any) -> None:  # noqa: ANN401
        """A queued job whose turn came `waited` seconds ago."""
        turn = self.clock.now() - timedelta(seconds=waited)
        row = {
            "job_id": uuid4(),
            "job_type": "data_collection",
            "status": "queued",
            "parameters": {},
            "run_at": turn,
            "turn_at": turn,
            "queue": queue,
            "cancel_requested": False,
            "created_by": "tester",
            "created_at": turn,
            "updated_at": turn,
        }
        self.insert(background_jobs, **(row | values))

    def log_in(self, service: Service, *, expires_at: datetime) -> None:
        with self.database.transaction() as tx:
            tx.auth.save_session(
                BrokerSession(
                    service=service,
                    mode=BrokerMode.SIMULATED,
                    access_token="made-up",
                    user_id="SIM123",
                    user_name="Simulated User",
                    expires_at=expires_at,
                ),
                now=self.clock.now(),
            )


@dataclass(slots=True)
class Patient:
    """A component that does as the test says."""

    says: HealthStatus = HealthStatus.PASS
    component: str = "patient"
    is_critical: bool = False
    asked: int = 0
    message: str = "It is as the test says."

    def check(self) -> Check:
        return Check(
            component=self.component,
            measure="pulse",
            find=self._find,
            is_critical=self.is_critical,
        )

    def _find(self, _: CheckGround) -> Finding:
        self.asked += 1
        return Finding(status=self.says, message=self.message, value=self.asked, unit="times")


@dataclass(slots=True)
class Clinic:
    """A health service over two patients, the second of which is critical."""

    ward: Ward
    patient: Patient = field(default_factory=Patient)
    vital: Patient = field(default_factory=lambda: Patient(component="vital", is_critical=True))
    health: HealthService = field(init=False)

    def __post_init__(self) -> None:
        self.health = HealthService(
            self.ward.ground, checks=[self.patient.check(), self.vital.check()]
        )

    def sweep(self, says: HealthStatus, *, after: timedelta = timedelta(minutes=5)) -> None:
        """The patient does so, some time later."""
        self.ward.clock.advance(after)
        self.patient.says = says
        self.health.sweep()
