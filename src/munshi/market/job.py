"""The collecting jobs: whole or in parts, and waiting for a login where a broker wants one."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import COLLECTION_PART, Job, JobState
from munshi.errors import (
    BrokerSessionExpiredError,
    CollectionPartsFailedError,
    LoginNeededError,
)
from munshi.jobs.fan_out import NewChild
from munshi.jobs.run import JobRun
from munshi.market.collection import CollectionService


class CollectionServices(Protocol):
    """What these jobs need of the desk."""

    @property
    def collection(self) -> CollectionService: ...

    @property
    def ask_for_login(self) -> Callable[[Service], str]: ...

    @property
    def has_login(self) -> Callable[[Service], bool]: ...


def run(services: CollectionServices, run: JobRun, parameters: CollectionParams) -> dict[str, Any]:
    """Collect what is missing, in parts where it is much; what was fetched before is kept.

    When a person retries it, what is missing by then is divided anew.
    """
    ended = [child for child in run.children() if child.created_at >= run.job.run_at]
    if ended:
        return _conclude(services, parameters, ended)
    divided = services.collection.divide(parameters)
    if divided != [parameters]:
        parts = [NewChild(job_type=COLLECTION_PART, parameters=one.to_json()) for one in divided]
        run.fan_out(parts)
    return run_part(services, run, parameters)


def run_part(
    services: CollectionServices, run: JobRun, parameters: CollectionParams
) -> dict[str, Any]:
    """Collect what is missing; what was fetched before a login ended is kept."""
    try:
        return services.collection.collect(parameters, progress=run.progress)
    except (LoginNeededError, BrokerSessionExpiredError):
        asked = services.collection.brokers(parameters)
        broker = next((one for one in asked if not services.has_login(one)), parameters.broker)
        run.pause_for_login(broker, services.ask_for_login(broker))


def _conclude(
    services: CollectionServices, parameters: CollectionParams, parts: Sequence[Job]
) -> dict[str, Any]:
    failed = [part for part in parts if part.state is not JobState.SUCCEEDED]
    if failed:
        said = next((part.error_details for part in failed if part.error_details), "cancelled")
        raise CollectionPartsFailedError(
            f"{len(failed)} of {len(parts)} parts did not end well; what was fetched is kept. "
            f"The first: {said}",
            hint="Retry it: only what is missing is asked for again.",
        )
    return services.collection.conclude(parameters, [part.result_data or {} for part in parts])
