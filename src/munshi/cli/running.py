"""What `serve`, `demo` and `worker` share: the simulator, the database and the way they stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from munshi.bootstrap import Services, open_database, open_services
from munshi.domain.audit import MUNSHI
from munshi.infrastructure.brokers.simulator.process import SimulatorProcess
from munshi.infrastructure.database.revision import current_revision, is_current
from munshi.settings import BrokerMode, Settings

EXHAUSTED = 75  # EX_TEMPFAIL: whoever watches the process should start it again
WHY_EXHAUSTED = (
    "Too many job threads ignored that they were told to stop. This process ends, with exit code "
    "75, so that another can take its place."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How the simulator is started where this process starts it."""

    candles: Path | None = None


def prepare_database(settings: Settings, *, always: bool = False) -> bool:
    """Make or upgrade the embedded database of a first start; whether anything was done.

    A server database, or an embedded one that holds data, is left to `munshi db upgrade`.
    """
    with open_database(settings) as database:
        embedded = not settings.database_url.get_secret_value()
        if not (always or (embedded and current_revision(database) is None)):
            return False
        from munshi.infrastructure.database.migrate import upgrade

        upgrade(database)
    return True


def has_users(settings: Settings) -> bool:
    """Whether anybody can sign in; False for a database that is not ready. Makes nothing."""
    if not (settings.database_url.get_secret_value() or settings.home.exists()):
        return False
    with open_database(settings) as database:
        if not is_current(database):
            return False
        with database.reading() as tx:
            return tx.users.count_users() > 0


@contextmanager
def running_desk(
    settings: Settings, *, simulator: SimulatorOptions | None = None
) -> Iterator[Services]:
    """The services of this process, with a simulator beside them where the brokers are simulated.

    `simulator` None uses one that is already there.
    """
    with _simulator(settings, simulator), open_services(settings) as services:
        services.config.seed(actor=MUNSHI)
        yield services


@contextmanager
def _simulator(settings: Settings, options: SimulatorOptions | None) -> Iterator[None]:
    if settings.brokers is BrokerMode.LIVE or settings.simulator_url or options is None:
        yield
        return
    process = SimulatorProcess(
        settings.home,
        data=options.candles,
        kite_redirect_url=f"{settings.base_url}/auth/kite/callback",
        breeze_redirect_url=f"{settings.base_url}/auth/breeze/callback",
    )
    process.start()
    try:
        yield
    finally:
        process.stop()
