"""The `data_collection` job: collects, and waits for a login where the broker wants one."""

from collections.abc import Callable
from typing import Any, Protocol

from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.errors import BrokerSessionExpiredError, LoginNeededError
from munshi.jobs.run import JobRun
from munshi.market.collection import CollectionService


class CollectionServices(Protocol):
    """What this job needs of the desk."""

    @property
    def collection(self) -> CollectionService: ...

    @property
    def ask_for_login(self) -> Callable[[Service], str]: ...


def run(services: CollectionServices, run: JobRun, parameters: CollectionParams) -> dict[str, Any]:
    """Collect what is missing; what was fetched before a login ended is kept."""
    try:
        return services.collection.collect(parameters, progress=run.progress)
    except (LoginNeededError, BrokerSessionExpiredError):
        run.pause_for_login(parameters.broker, services.ask_for_login(parameters.broker))
