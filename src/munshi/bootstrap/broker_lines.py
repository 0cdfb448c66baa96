"""The lines to both brokers, or to their simulator, and what signs in through them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from munshi.auth.breeze_db_service import BreezeDBService
from munshi.auth.credentials import CredentialStore
from munshi.auth.kite_db_service import KiteDBService
from munshi.auth.login_book import LoginBook
from munshi.auth.token_mirror import TokenMirror
from munshi.cache.last_quotes import LastQuotes
from munshi.circuits.breaker import CircuitBreaker
from munshi.clock import Clock
from munshi.config.service import ConfigService
from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument
from munshi.errors import RequestAbandonedError
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.web_login import breeze_web_login
from munshi.infrastructure.brokers.http import HttpClient, open_http
from munshi.infrastructure.brokers.kite.client import KiteClient
from munshi.infrastructure.brokers.kite.endpoints import KiteEndpoints
from munshi.infrastructure.brokers.kite.web_login import kite_web_login
from munshi.infrastructure.brokers.line import Gate, Resilience
from munshi.infrastructure.brokers.retries import Retries
from munshi.infrastructure.brokers.simulator.facts import ask_simulator
from munshi.infrastructure.brokers.simulator.record import read_record
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.env_file import read_env_file
from munshi.infrastructure.security.vault import Vault
from munshi.jobs.run import running_job_must_stop
from munshi.market.provenance import Provenance
from munshi.settings import BrokerMode, Settings
from munshi.streams.ground import StreamGround

# Of a read that fails: the calls that are made, the first one included.
TRIES = 3
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
class Ground:
    """What every service stands on."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault

    @property
    def mode(self) -> BrokerMode:
        return self.settings.brokers


class BrokerLines:
    """Both brokers' clients and what signs in through them."""

    def __init__(
        self, ground: Ground, http: HttpClient, endpoints: BrokerEndpoints, gate: Gate
    ) -> None:
        self._ground = ground
        self._endpoints = endpoints
        self._gate = gate
        self._guard = ground.database.refuse_in_transaction
        self.kite = KiteClient(
            http=http,
            endpoints=endpoints.kite,
            gate=self._gate,
            guard=self._guard,
            resilience=self._resilience(Service.KITE),
        )
        self.breeze = BreezeClient(
            http=http,
            endpoints=endpoints.breeze,
            clock=ground.clock,
            gate=self._gate,
            guard=self._guard,
            resilience=self._resilience(Service.BREEZE),
        )

    def _resilience(self, service: Service) -> Resilience:
        ground = self._ground
        return Resilience(
            retries=Retries(tries=TRIES, wait=self._wait),
            circuit=CircuitBreaker(service, ground.database, ground.clock, mode=ground.mode),
        )

    def _wait(self, seconds: float) -> None:
        """Between two tries of a read. Raises RequestAbandonedError when its job must stop."""
        if running_job_must_stop():
            raise RequestAbandonedError("The job was told to stop between two tries.")
        self._ground.clock.sleep(seconds)

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

    def streams(
        self,
        kite: KiteDBService,
        breeze: BreezeDBService,
        *,
        quotes: LastQuotes,
        find: Callable[[str], Instrument],
    ) -> StreamGround:
        """What a stream stands on, once somebody starts one."""
        ground = self._ground
        return StreamGround(
            database=ground.database,
            clock=ground.clock,
            mode=ground.mode,
            gate=self._gate,
            guard=self._guard,
            quotes=quotes,
            find=find,
            origin=self.provenance,
            kite_endpoints=self._endpoints.kite,
            kite=kite.using,
            breeze_endpoints=self._endpoints.breeze,
            breeze=breeze.using,
            security_master=self.breeze.security_master,
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


def find_endpoints(settings: Settings) -> BrokerEndpoints:
    if settings.brokers is BrokerMode.LIVE:
        return BrokerEndpoints.live()
    record = read_record(settings.home)
    return BrokerEndpoints.at(settings.simulator_url or (record.url if record else NO_SIMULATOR))


@cache
def _simulated(service: Service, address: str) -> Provenance:
    """Real candles that the simulator replays never share a file with made-up ones."""
    facts = ask_simulator(address)
    source = service.value if facts.is_synthetic else f"{service}-replay"
    return Provenance(source=source, label=f"simulated: {facts.label}")
