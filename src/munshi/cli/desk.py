"""Opens the desk for one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from munshi.bootstrap import Services
from munshi.cli.running import SimulatorOptions, prepare_database, running_desk
from munshi.logging_setup import configure_logging
from munshi.settings import Settings, load_settings


@contextmanager
def open_desk(*, brokers: bool = False, settings: Settings | None = None) -> Iterator[Services]:
    """The services of the configured home.

    `brokers` where the command will ask one: in simulated mode it then starts a simulator for as
    long as it runs, unless one is running already. A first command makes the embedded database.
    """
    chosen = settings or load_settings()
    configure_logging("WARNING" if chosen.log_level == "INFO" else chosen.log_level)
    prepare_database(chosen)
    with running_desk(chosen, simulator=SimulatorOptions() if brokers else None) as services:
        yield services
