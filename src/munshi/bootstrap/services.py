"""What a process works with."""

from collections.abc import Callable
from dataclasses import dataclass

from munshi.adoption.service import AdoptionService
from munshi.alerts.channels import ChannelService
from munshi.alerts.courier import Courier
from munshi.alerts.engine import RuleEngine
from munshi.alerts.keeper import AlertKeeper
from munshi.alerts.planner import Planner
from munshi.alerts.service import AlertService
from munshi.audit.archive_service import ArchiveService
from munshi.audit.feed import AuditFeed
from munshi.audit.ledger_service import LedgerService
from munshi.audit.sealer import Sealer
from munshi.audit.service import AuditService
from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.kite_db_service import KiteDBService
from munshi.auth.login_watch import LoginWatch
from munshi.auth.logins import BrokerLogins
from munshi.auth.secret_access import SecretAccess
from munshi.backtest.auditing import AuditKeeper
from munshi.backtest.review import BacktestReview
from munshi.backtest.service import BacktestService
from munshi.backtest.signals import SignalService
from munshi.backtest.sweeping import SweepService
from munshi.bootstrap.job_types import JOB_TYPES
from munshi.bootstrap.people import People
from munshi.briefs.service import BriefService
from munshi.cache.cache import Cache
from munshi.cache.service import CacheService
from munshi.clock import Clock
from munshi.config.old_install import OldInstallImport
from munshi.config.past import ConfigPast
from munshi.config.service import ConfigService
from munshi.config.transfer import ConfigTransfer
from munshi.domain.enums import Service
from munshi.health.service import HealthService
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.security.vault import Vault
from munshi.infrastructure.wake import Wake
from munshi.jobs.artifacts import ArtifactStore
from munshi.jobs.bulk import BulkService
from munshi.jobs.children import ChildPool
from munshi.jobs.feed import JobFeed
from munshi.jobs.queue_service import QueueService
from munshi.jobs.service import JobService
from munshi.jobs.watching import JobWatch
from munshi.jobs.worker import Worker
from munshi.keeping.backup import BackupService
from munshi.keys.service import KeyService
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.collection import CollectionService
from munshi.market.collection_outlook import CollectionOutlook
from munshi.market.comparison import ComparisonService
from munshi.market.gaps import GapService
from munshi.market.importing import ImportService
from munshi.market.instrument_history import InstrumentHistory
from munshi.market.instruments import InstrumentService
from munshi.market.provisional import ProvisionalService
from munshi.market.quality_service import QualityService
from munshi.market.quotes import QuoteService
from munshi.market.refetching import RefetchService
from munshi.market.stored_quotes import KeptQuoteService
from munshi.market.verification import CandleVerifier
from munshi.market.views import MarketViews
from munshi.rate_limits.service import RateLimitService
from munshi.scheduler.database_scheduler import DatabaseScheduler
from munshi.scheduler.day import DayService
from munshi.scheduler.service import ScheduleService
from munshi.settings import Settings
from munshi.streams.ground import StreamGround
from munshi.validation.service import ValidationService

CHILD_CONTEXT = "munshi.bootstrap:child_services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All a process works with. What is not here is not shared."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    config: ConfigService
    config_past: ConfigPast
    config_transfer: ConfigTransfer
    old_install: OldInstallImport
    adoption: AdoptionService
    audit: AuditService
    audit_feed: AuditFeed
    ledger: LedgerService
    archives: ArchiveService
    alerts: AlertService
    alert_channels: ChannelService
    alert_rules: RuleEngine
    briefs: BriefService
    jobs: JobService
    job_bulk: BulkService
    queues: QueueService
    artifacts: ArtifactStore
    job_watch: JobWatch
    job_feed: JobFeed
    schedules: ScheduleService
    schedule_days: DayService
    kite: KiteDBService
    breeze: BreezeDBService
    logins: BrokerLogins
    login_watch: LoginWatch
    secrets: SecretAccess
    calendar: CalendarService
    instruments: InstrumentService
    instrument_history: InstrumentHistory
    candles: CandleService
    gaps: GapService
    collection: CollectionService
    collection_outlook: CollectionOutlook
    backtests: BacktestService
    validations: ValidationService
    sweeps: SweepService
    review: BacktestReview
    backtest_audits: AuditKeeper
    signals: SignalService
    verifier: CandleVerifier
    views: MarketViews
    quality: QualityService
    comparison: ComparisonService
    refetching: RefetchService
    provisional: ProvisionalService
    kept_quotes: KeptQuoteService
    quotes: QuoteService
    streams: StreamGround
    imports: ImportService
    health: HealthService
    people: People
    keys: KeyService
    backups: BackupService
    limits: RateLimitService
    cache: Cache
    cache_service: CacheService
    job_wake: Wake
    simulator_url: str | None

    def ask_for_login(self, service: Service) -> str:
        """Raise the alert that a job waits for a login at `service`; where a person clicks."""
        return self.logins.of(service).book.ask_for_login(f"A job waits for a login at {service}.")

    def has_login(self, service: Service) -> bool:
        """Whether a login at `service` is in force; the broker is not asked."""
        return self.logins.of(service).restore() is not None

    def setup_link(self, token: str) -> str:
        """Where the holder of a one-time link's token chooses a password."""
        return f"{self.settings.base_url}/ui/setup?token={token}"

    def end_streams(self) -> None:
        """Tell whoever follows jobs or the audit trail that nothing more comes; never waits."""
        self.job_feed.end()
        self.audit_feed.end()

    def worker(self, *, given_up: Callable[[], object] | None = None) -> Worker:
        """A worker of this process; the caller starts and stops it, which ends its children.

        `given_up` is called when it ends by itself and the process should be replaced.
        """
        return Worker(
            self.database,
            self.clock,
            registry=JOB_TYPES,
            services=self,
            wake=self.job_wake,
            threads=self.settings.worker_threads,
            processes=self.settings.worker_processes,
            children=ChildPool(
                size=self.settings.worker_processes, context=CHILD_CONTEXT, clock=self.clock
            ),
            artifacts=self.artifacts,
            lease_seconds=self.settings.lease_seconds,
            given_up=given_up,
        )

    def sealer(self) -> Sealer:
        """A sealer of this process's audit rows, and of others'; the caller starts and stops it."""
        return Sealer(self.database, self.clock)

    def alert_keeper(self) -> AlertKeeper:
        """A keeper of the alerts of all processes; the caller starts and stops it."""
        return AlertKeeper(
            self.database,
            self.clock,
            engine=self.alert_rules,
            planner=Planner(base_url=self.settings.base_url, mode=self.settings.brokers.value),
            courier=Courier(self.database, self.clock),
        )

    def scheduler(self) -> DatabaseScheduler:
        """A scheduler of this process; the caller starts and stops it."""
        return DatabaseScheduler(
            self.database,
            self.clock,
            jobs=self.jobs,
            calendar=self.calendar.calendar,
        )
