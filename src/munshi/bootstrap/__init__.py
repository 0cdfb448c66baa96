"""The only wiring: settings in, frozen services out."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from munshi.adoption.service import AdoptionService
from munshi.alerts.channels import ChannelService
from munshi.alerts.courier import Courier
from munshi.alerts.engine import RuleEngine
from munshi.alerts.service import AlertService
from munshi.audit.archive_service import ArchiveService
from munshi.audit.feed import AuditFeed
from munshi.audit.ledger_service import LedgerService
from munshi.audit.service import AuditService
from munshi.auth.login_watch import LoginWatch
from munshi.auth.logins import BrokerLogins
from munshi.auth.secret_access import SecretAccess
from munshi.backtest.auditing import AuditKeeper
from munshi.backtest.review import BacktestReview
from munshi.backtest.signals import SignalService
from munshi.backtest.sweeping import SweepService
from munshi.bootstrap.broker_lines import (
    BrokerEndpoints,
    BrokerLines,
    Ground,
    find_endpoints,
)
from munshi.bootstrap.collecting import wire_collection, wire_quality, wire_views
from munshi.bootstrap.health import wire_health
from munshi.bootstrap.job_types import JOB_TYPES
from munshi.bootstrap.people import wire_people
from munshi.bootstrap.quotas import open_gate, who_asks
from munshi.bootstrap.research import research_doors, wire_backtests, wire_validations
from munshi.bootstrap.services import Services
from munshi.briefs.service import BriefService
from munshi.cache.cache import Cache
from munshi.cache.last_quotes import LastQuotes
from munshi.cache.service import CacheService
from munshi.clock import Clock, SystemClock
from munshi.config.legacy_import import LegacyConfigImport
from munshi.config.old_install import OldInstallImport
from munshi.config.past import ConfigPast
from munshi.config.service import ConfigService
from munshi.config.transfer import ConfigTransfer
from munshi.domain.config_keys import MARKET, PART_REQUESTS
from munshi.health.market_hours import is_trading_day
from munshi.infrastructure.brokers.http import TIMEOUT, HttpClient, HttpTimeout, open_http
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import check_revision, unlock
from munshi.infrastructure.database.server_clock import ServerClock
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.platform import prepare_home
from munshi.infrastructure.security.key_sources import KeySources
from munshi.jobs.artifacts import ArtifactStore
from munshi.jobs.bulk import BulkService
from munshi.jobs.feed import JobFeed
from munshi.jobs.queue_service import QueueService
from munshi.jobs.rouser import Rouser
from munshi.jobs.service import JobService
from munshi.jobs.watching import JobWatch
from munshi.keeping.backup import BackupService
from munshi.keeping.restore_marker import refuse_unfinished
from munshi.keys.ground import KeyGround
from munshi.keys.service import KeyService
from munshi.logging_setup import configure_logging
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_months import CandleMonths
from munshi.market.candles import CandleService
from munshi.market.collection_outlook import CollectionOutlook
from munshi.market.comparison import ComparisonService
from munshi.market.gaps import GapService
from munshi.market.importing import ImportService
from munshi.market.instrument_history import InstrumentHistory
from munshi.market.instruments import InstrumentService
from munshi.market.provisional import ProvisionalService
from munshi.market.quotes import QuoteCalls, QuoteService
from munshi.market.refetching import RefetchService
from munshi.market.stored_quotes import KeptQuoteService
from munshi.market.verification import CandleVerifier
from munshi.rate_limits.gate import QuotaGate
from munshi.rate_limits.service import RateLimitService
from munshi.scheduler.day import DayService
from munshi.scheduler.service import ScheduleService
from munshi.settings import BrokerMode, Settings, load_settings

__all__ = [
    "JOB_TYPES",
    "BrokerEndpoints",
    "Services",
    "child_services",
    "key_sources",
    "open_database",
    "open_keys",
    "open_services",
]


@contextmanager
def open_database(settings: Settings, *, restoring: bool = False) -> Iterator[Database]:
    """The database of the settings, whatever its revision; for `munshi db`.

    Only who is `restoring` may work where a restore has not ended. Raises HomeUnusableError,
    DatabaseUrlInvalidError, RestoreUnfinishedError.
    """
    if not restoring:
        refuse_unfinished(settings.home)
    prepare_home(settings.home)
    url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
    database = Database(url, pool_size=settings.database_pool_size)
    try:
        yield database
    finally:
        database.close()


def key_sources(settings: Settings) -> KeySources:
    return KeySources(
        settings.home,
        chosen=settings.key_source,
        given=settings.master_key.get_secret_value(),
    )


@contextmanager
def open_keys(settings: Settings, *, restoring: bool = False) -> Iterator[KeyService]:
    """The keys of a desk that cannot be opened, maybe because its master key is lost.

    Raises DatabaseUnreachableError, DatabaseStaleError, DatabaseForeignError, ClockDriftError.
    """
    with open_database(settings, restoring=restoring) as database:
        check_revision(database)
        with _ticking(database, None) as clock:
            yield KeyService(_key_ground(database, clock, settings))


def _key_ground(database: Database, clock: Clock, settings: Settings) -> KeyGround:
    return KeyGround(
        database=database, clock=clock, sources=key_sources(settings), home=settings.home
    )


@contextmanager
def open_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    endpoints: BrokerEndpoints | None = None,
    timeout: HttpTimeout = TIMEOUT,
    restoring: bool = False,
) -> Iterator[Services]:
    """Everything wired, on a database of the right revision.

    `endpoints` defaults to the brokers themselves in live mode and to the simulator this home
    knows of in simulated mode; `timeout` is how long they may take to answer.

    Raises DatabaseUnreachableError, DatabaseStaleError, DatabaseForeignError,
    VaultKeyInvalidError, VaultKeyMissingError, VaultKeyConflictError, ClockDriftError,
    RestoreUnfinishedError.
    """
    with open_database(settings, restoring=restoring) as database:
        check_revision(database)
        with _ticking(database, clock) as running:
            vault = unlock(database, key_sources(settings), clock=running)
            through_proxy = settings.brokers is BrokerMode.LIVE
            with open_http(through_proxy=through_proxy, timeout=timeout) as http:
                ground = Ground(settings=settings, clock=running, database=database, vault=vault)
                with (
                    closing(Rouser(database)) as rouser,
                    closing(open_gate(ground)) as gate,
                    closing(Cache(database, running)) as cache,
                ):
                    at = endpoints or find_endpoints(settings)
                    services = _wire(ground, http, at, rouser, gate, cache=cache)
                    with (
                        closing(services.job_feed),
                        closing(services.audit_feed),
                        closing(services.people),
                    ):
                        yield services


@contextmanager
def child_services() -> Iterator[Services]:
    """What a handler in a child process is given: everything wired, from the environment."""
    settings = load_settings()
    configure_logging(settings.log_level)
    with open_services(settings) as services:
        yield services


@contextmanager
def _ticking(database: Database, given: Clock | None) -> Iterator[Clock]:
    """The clock all use: a server database's where there is one, so that hosts agree."""
    if given is not None or database.dialect == "sqlite":
        yield given or SystemClock()
        return
    clock = ServerClock(database)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


def _wire(
    ground: Ground,
    http: HttpClient,
    endpoints: BrokerEndpoints,
    rouser: Rouser,
    quotas: QuotaGate,
    *,
    cache: Cache,
) -> Services:
    settings, clock, database, mode = ground.settings, ground.clock, ground.database, ground.mode
    config = ConfigService(database, clock)
    transfer = ConfigTransfer(database, clock)
    lines = BrokerLines(ground, http, endpoints, who_asks(quotas))
    kite = lines.kite_service(config)
    breeze = lines.breeze_service(config)
    calendar = CalendarService(config)
    store = CandleStore(settings.home)
    candles = CandleService(database, clock, store=store, mode=mode, cache=cache)
    months = CandleMonths(database, store)
    instruments = InstrumentService(
        database,
        clock,
        mode=mode,
        kite=lines.kite,
        calling_kite=kite.calling,
        breeze=lines.breeze,
        config=config,
        cache=cache,
    )
    health = wire_health(ground, lines, config=config, calendar=calendar)
    limits = RateLimitService(database, clock, mode=mode, pools=quotas.pools)
    audit = AuditService(database, clock)
    keys = KeyService(_key_ground(database, clock, settings))
    artifacts = ArtifactStore(database, clock, home=settings.home)
    watch = JobWatch(database)
    doors = research_doors(settings.home)
    jobs = JobService(
        database, clock, registry=JOB_TYPES, rouse=rouser.rouse, artifacts=artifacts, doors=doors
    )
    gaps = GapService(database, clock, candles=candles, calendar=calendar.calendar)
    history = InstrumentHistory(database, mode=mode)
    outlook = CollectionOutlook(clock, jobs=jobs, forecast=limits.forecast)
    collection = wire_collection(
        ground,
        lines,
        kite=kite,
        breeze=breeze,
        instruments=instruments,
        history=history,
        candles=candles,
        store=store,
        gaps=gaps,
        calendar=calendar,
        outlook=outlook,
        part_requests=lambda: int(config.value(MARKET, PART_REQUESTS)),
    )
    logins = BrokerLogins(database, clock, mode=mode, kite=kite, breeze=breeze)
    schedules = ScheduleService(
        database, clock, config=config, jobs=jobs, registry=JOB_TYPES, calendar=calendar.calendar
    )
    last_quotes = LastQuotes(cache, mode=mode)
    kept_quotes = KeptQuoteService(database, clock, mode=mode)
    backtests = wire_backtests(
        ground, candles=candles, instruments=instruments, calendar=calendar, quotes=kept_quotes
    )
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        vault=ground.vault,
        config=config,
        config_past=ConfigPast(database, clock),
        config_transfer=transfer,
        old_install=OldInstallImport(config, transfer),
        adoption=AdoptionService(database, clock, config=LegacyConfigImport(config, transfer)),
        audit=audit,
        audit_feed=AuditFeed(audit),
        ledger=LedgerService(database, clock, home=settings.home),
        archives=ArchiveService(database, clock, home=settings.home),
        alerts=AlertService(database, clock),
        alert_channels=ChannelService(database, clock, courier=Courier(database, clock)),
        alert_rules=RuleEngine(
            database,
            clock,
            mode=mode,
            sources={"health": health.facts, "quota": limits.facts},
            is_trading_day=partial(is_trading_day, calendar.calendar),
        ),
        jobs=jobs,
        schedules=schedules,
        briefs=BriefService(
            database,
            clock,
            mode=mode,
            logins=logins,
            schedules=schedules,
            facts=health.facts,
            calendar=calendar.calendar,
        ),
        schedule_days=DayService(database, clock, calendar=calendar.calendar),
        job_bulk=BulkService(database, clock, rouse=rouser.rouse),
        queues=QueueService(database, clock, registry=JOB_TYPES, rouse=rouser.rouse),
        artifacts=artifacts,
        job_watch=watch,
        job_feed=JobFeed(watch),
        kite=kite,
        breeze=breeze,
        secrets=SecretAccess(database, clock, kite=kite, breeze=breeze),
        simulator_url=endpoints.kite.api if mode is BrokerMode.SIMULATED else None,
        logins=logins,
        login_watch=LoginWatch(
            database,
            clock,
            mode=mode,
            config=config,
            kite=kite,
            breeze=breeze,
            is_trading_day=partial(is_trading_day, calendar.calendar),
        ),
        calendar=calendar,
        instruments=instruments,
        instrument_history=history,
        candles=candles,
        gaps=gaps,
        collection=collection,
        collection_outlook=outlook,
        backtests=backtests,
        validations=wire_validations(ground, backtests=backtests, candles=candles, jobs=jobs),
        sweeps=SweepService(database, clock, backtests=backtests),
        review=BacktestReview(backtests, jobs),
        backtest_audits=AuditKeeper(database, clock, backtests=backtests),
        signals=SignalService(clock, candles=candles, instruments=instruments, calendar=calendar),
        verifier=CandleVerifier(
            mode=mode, provenance=lines.provenance, candles=candles, collection=collection
        ),
        quality=wire_quality(
            ground,
            candles=candles,
            months=months,
            gaps=gaps,
            instruments=instruments,
            calendar=calendar,
        ),
        views=wire_views(ground, candles=candles, instruments=instruments, calendar=calendar),
        comparison=ComparisonService(mode=mode, candles=candles, months=months),
        refetching=RefetchService(
            clock,
            provenance=lines.provenance,
            candles=candles,
            months=months,
            collection=collection,
            instruments=instruments,
            calendar=calendar,
        ),
        provisional=ProvisionalService(database, clock, mode=mode, candles=candles),
        kept_quotes=kept_quotes,
        quotes=QuoteService(
            clock,
            last=last_quotes,
            find=instruments.find,
            calls=QuoteCalls(
                kite=lines.kite,
                calling_kite=kite.calling,
                breeze=lines.breeze,
                calling_breeze=breeze.calling,
                has_login=lambda service: logins.of(service).restore() is not None,
            ),
        ),
        streams=lines.streams(kite, breeze, quotes=last_quotes, find=instruments.find),
        imports=ImportService(
            database, clock, instruments=instruments, candles=candles, calendar=calendar
        ),
        health=health,
        people=wire_people(database, clock, vault=ground.vault, config=config),
        keys=keys,
        backups=BackupService(database, clock, home=settings.home, keys=keys),
        limits=limits,
        cache=cache,
        cache_service=CacheService(database, clock, cache),
        job_wake=rouser.wake,
    )
