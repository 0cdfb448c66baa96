"""The only wiring: settings in, frozen services out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from threading import Event
from types import MappingProxyType

from munshi.alerts.service import AlertService
from munshi.audit.service import AuditService
from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.credentials import CredentialStore
from munshi.auth.kite_db_service import KiteDBService
from munshi.auth.login_book import LoginBook
from munshi.auth.logins import BrokerLogins
from munshi.auth.secret_access import SecretAccess
from munshi.auth.token_mirror import TokenMirror
from munshi.clock import Clock, SystemClock
from munshi.config.service import ConfigService
from munshi.domain.config_keys import API, LIMIT_PREFIX
from munshi.domain.enums import Service
from munshi.domain.job_params import AutoLoginParams, CollectionParams
from munshi.domain.jobs import AUTO_LOGIN, DATA_COLLECTION, JobSpec
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.web_login import breeze_web_login
from munshi.infrastructure.brokers.http import HttpClient, open_http
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.web_login import kite_web_login
from munshi.infrastructure.brokers.pacing import DOCUMENTED_LIMITS, Limit, Pacer
from munshi.infrastructure.brokers.simulator.facts import ask_simulator
from munshi.infrastructure.brokers.simulator.record import read_record
from munshi.infrastructure.candles.store import CandleStore
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.opening import check_revision, unlock
from munshi.infrastructure.database.server_clock import ServerClock
from munshi.infrastructure.database.url import parse_database_url
from munshi.infrastructure.env_file import read_env_file
from munshi.infrastructure.platform import prepare_home
from munshi.infrastructure.security.vault import KeyFile, Vault, ring_from_text
from munshi.jobs.service import JobService
from munshi.jobs.worker import Worker
from munshi.market.calendar_service import CalendarService
from munshi.market.candles import CandleService
from munshi.market.collection import CollectionService, Provenance
from munshi.market.history import BreezeHistory, KiteHistory
from munshi.market.importing import ImportService
from munshi.market.instruments import InstrumentService
from munshi.settings import BrokerMode, Settings

JOB_TYPES: Mapping[str, JobSpec] = MappingProxyType(
    {
        DATA_COLLECTION: JobSpec(
            params=CollectionParams,
            entry="munshi.market.job:run",
            runs_in="thread",
            idempotent=True,
        ),
        AUTO_LOGIN: JobSpec(
            params=AutoLoginParams, entry="munshi.auth.job:run", runs_in="thread", idempotent=True
        ),
    }
)
# Nobody listens there, so that a call without a simulator fails at once and leaves this machine
# never.
NO_SIMULATOR = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerEndpoints:
    """Where the brokers, or their simulator, are."""

    kite: KiteEndpoints
    breeze: BreezeEndpoints

    @classmethod
    def at(cls, address: str) -> "BrokerEndpoints":
        """Both brokers on one host, as the simulator serves them."""
        return cls(kite=KiteEndpoints.at(address), breeze=BreezeEndpoints.at(address))

    @classmethod
    def live(cls) -> "BrokerEndpoints":
        return cls(kite=KiteEndpoints.live(), breeze=BreezeEndpoints.live())


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What every service stands on."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault

    @property
    def mode(self) -> BrokerMode:
        return self.settings.brokers


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database of the settings, whatever its revision; for `munshi db`.

    Raises HomeUnusableError, DatabaseUrlInvalidError.
    """
    prepare_home(settings.home)
    url = parse_database_url(settings.database_url.get_secret_value(), home=settings.home)
    database = Database(url, pool_size=settings.database_pool_size)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def open_services(
    settings: Settings, *, clock: Clock | None = None, endpoints: BrokerEndpoints | None = None
) -> Iterator[Services]:
    """Everything wired, on a database of the right revision.

    `endpoints` defaults to the brokers themselves in live mode and to the simulator this home
    knows of in simulated mode. Raises DatabaseUnreachableError, DatabaseStaleError,
    DatabaseForeignError, VaultKeyInvalidError, ClockDriftError.
    """
    with open_database(settings) as database:
        check_revision(database)
        with _ticking(database, clock) as running:
            key = settings.master_key.get_secret_value()
            vault = unlock(
                database,
                KeyFile(settings.home),
                given=ring_from_text(key) if key else None,
                now=running.now(),
            )
            with open_http(through_proxy=settings.brokers is BrokerMode.LIVE) as http:
                ground = _Ground(settings=settings, clock=running, database=database, vault=vault)
                yield _wire(ground, http, endpoints or _endpoints(settings))


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


def _endpoints(settings: Settings) -> BrokerEndpoints:
    if settings.brokers is BrokerMode.LIVE:
        return BrokerEndpoints.live()
    record = read_record(settings.home)
    return BrokerEndpoints.at(settings.simulator_url or (record.url if record else NO_SIMULATOR))


def _wire(ground: _Ground, http: HttpClient, endpoints: BrokerEndpoints) -> Services:
    settings, clock, database, mode = ground.settings, ground.clock, ground.database, ground.mode
    config = ConfigService(database, clock)
    lines = _Lines(ground, http, endpoints, Pacer(_limits(config), clock=clock))
    kite = lines.kite_service(config)
    breeze = lines.breeze_service(config)
    calendar = CalendarService(config)
    candles = CandleService(database, clock, store=CandleStore(settings.home), mode=mode)
    instruments = InstrumentService(
        database,
        clock,
        mode=mode,
        kite=lines.kite,
        using_kite=kite.using,
        breeze=lines.breeze,
    )
    wake = Event()
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        vault=ground.vault,
        config=config,
        audit=AuditService(database, clock),
        alerts=AlertService(database, clock),
        jobs=JobService(database, clock, registry=JOB_TYPES, wake=wake),
        kite=kite,
        breeze=breeze,
        secrets=SecretAccess(database, clock, kite=kite, breeze=breeze),
        simulator_url=endpoints.kite.api if mode is BrokerMode.SIMULATED else None,
        logins=BrokerLogins(database, clock, mode=mode, kite=kite, breeze=breeze),
        calendar=calendar,
        instruments=instruments,
        candles=candles,
        collection=CollectionService(
            clock,
            mode=mode,
            provenance=lines.provenance,
            histories={
                Service.KITE: KiteHistory(lines.kite, using=kite.using),
                Service.BREEZE: BreezeHistory(lines.breeze, using=breeze.using),
            },
            instruments=instruments,
            candles=candles,
            calendar=calendar,
        ),
        imports=ImportService(
            database, clock, instruments=instruments, candles=candles, calendar=calendar
        ),
        job_wake=wake,
    )


class _Lines:
    """Both brokers' clients and what signs in through them."""

    def __init__(
        self, ground: _Ground, http: HttpClient, endpoints: BrokerEndpoints, pacer: Pacer
    ) -> None:
        self._ground = ground
        self._endpoints = endpoints
        self._gate = pacer.permit
        self._guard = ground.database.refuse_in_transaction
        self.kite = KiteClient(
            http=http, endpoints=endpoints.kite, gate=self._gate, guard=self._guard
        )
        self.breeze = BreezeClient(
            http=http,
            endpoints=endpoints.breeze,
            clock=ground.clock,
            gate=self._gate,
            guard=self._guard,
        )

    def kite_service(self, config: ConfigService) -> KiteDBService:
        return KiteDBService(
            self._book(Service.KITE),
            client=self.kite,
            credentials=self._credentials(config),
            web_login=partial(
                kite_web_login,
                endpoints=self._endpoints.kite,
                open_http=self._open_web,
                clock=self._ground.clock,
                gate=self._gate,
                guard=self._guard,
            ),
            mirror=self._mirror(config).write,
        )

    def breeze_service(self, config: ConfigService) -> BreezeDBService:
        return BreezeDBService(
            self._book(Service.BREEZE),
            client=self.breeze,
            credentials=self._credentials(config),
            web_login=partial(
                breeze_web_login,
                endpoints=self._endpoints.breeze,
                open_http=self._open_web,
                clock=self._ground.clock,
                gate=self._gate,
                guard=self._guard,
            ),
            mirror=self._mirror(config).write,
        )

    def provenance(self, service: Service) -> Provenance:
        """What stored prices of `service` are kept and shown as."""
        if self._ground.mode is BrokerMode.LIVE:
            return Provenance(source=service.value, label=service.value)
        return _simulated(service, self._endpoints.kite.api)

    def _book(self, service: Service) -> LoginBook:
        ground = self._ground
        return LoginBook(
            service=service,
            mode=ground.mode,
            base_url=ground.settings.base_url,
            database=ground.database,
            clock=ground.clock,
            vault=ground.vault,
        )

    def _credentials(self, config: ConfigService) -> CredentialStore:
        path = self._ground.settings.env_file
        return CredentialStore(
            config, mode=self._ground.mode, read_env=partial(read_env_file, path)
        )

    def _mirror(self, config: ConfigService) -> TokenMirror:
        ground = self._ground
        return TokenMirror(
            ground.database,
            ground.clock,
            config=config,
            mode=ground.mode,
            path=ground.settings.env_file,
        )

    def _open_web(self) -> HttpClient:
        return open_http(through_proxy=self._ground.mode is BrokerMode.LIVE)


def _limits(config: ConfigService) -> dict[str, Limit]:
    """The documented limits, changed where the configuration says so."""
    limits = dict(DOCUMENTED_LIMITS)
    for name, document in config.documents(API, LIMIT_PREFIX).items():
        limits[name] = Limit(
            requests=document["requests"],
            seconds=float(document["seconds"]),
            daily=document.get("daily", limits[name].daily),
        )
    return limits


@cache
def _simulated(service: Service, address: str) -> Provenance:
    """Real candles that the simulator replays never share a file with made-up ones."""
    facts = ask_simulator(address)
    source = service.value if facts.is_synthetic else f"{service}-replay"
    return Provenance(source=source, label=f"simulated: {facts.label}")
