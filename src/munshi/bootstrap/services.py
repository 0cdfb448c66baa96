"""What a process works with, and the job types it knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from types import MappingProxyType

from munshi.alerts.service import AlertService
from munshi.audit.service import AuditService
from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.auth.logins import BrokerLogins
from munshi.auth.secret_access import SecretAccess
from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.enums import Service
from munshi.domain.job_params import AutoLoginParams, CollectionParams, DailyCollectionParams
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import AUTO_LOGIN, DAILY_COLLECTION, DATA_COLLECTION
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.security.vault import Vault
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.collection import CollectionService
from munshi.market.importing import ImportService
from munshi.market.instruments import InstrumentService
from munshi.scheduler.database_scheduler import DatabaseScheduler
from munshi.scheduler.service import ScheduleService
from munshi.settings import Settings

JOB_TYPES: Mapping[str, JobSpec] = MappingProxyType(
    {
        DATA_COLLECTION: JobSpec(
            params=CollectionParams,
            entry="munshi.market.job:run",
            runs_in="thread",
            idempotent=True,
        ),
        DAILY_COLLECTION: JobSpec(
            params=DailyCollectionParams,
            entry="munshi.market.daily_job:run",
            runs_in="thread",
            idempotent=True,
        ),
        AUTO_LOGIN: JobSpec(
            params=AutoLoginParams, entry="munshi.auth.job:run", runs_in="thread", idempotent=True
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All a process works with. What is not here is not shared."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    config: ConfigService
    audit: AuditService
    alerts: AlertService
    jobs: JobService
    schedules: ScheduleService
    kite: KiteDBService
    breeze: BreezeDBService
    logins: BrokerLogins
    secrets: SecretAccess
    calendar: CalendarService
    instruments: InstrumentService
    candles: CandleService
    collection: CollectionService
    imports: ImportService
    job_wake: Event
    simulator_url: str | None

    def login_link(self, service: Service) -> str:
        """Where a person clicks to log in at `service`."""
        return self.logins.of(service).book.login_link()

    def worker(self) -> Worker:
        """A worker of this process; the caller starts and stops it."""
        return Worker(
            self.database,
            self.clock,
            registry=JOB_TYPES,
            services=self,
            wake=self.job_wake,
            threads=self.settings.worker_threads,
            lease_seconds=self.settings.lease_seconds,
        )

    def scheduler(self) -> DatabaseScheduler:
        """A scheduler of this process; the caller starts and stops it."""
        return DatabaseScheduler(
            self.database,
            self.clock,
            jobs=self.jobs,
            calendar=self.calendar.calendar,
            wake=self.job_wake,
        )
