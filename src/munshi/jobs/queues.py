"""What queues allow: limits from the configuration, read again when it has changed."""

from collections.abc import Mapping

from munshi.domain.config_keys import JOBS, QUEUE_PREFIX
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import DEFAULT_QUEUE, QueueLimits
from munshi.errors import QueueUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_claims import Lane
from munshi.infrastructure.database.transaction import Transaction


class QueueBook:
    """The queues there are: the default one, those of job types, and configured ones."""

    def __init__(self, database: Database, registry: Mapping[str, JobSpec]) -> None:
        self._database = database
        self._registry = registry
        self._names: list[str] = []
        self._revision: int | None = None
        self._limits: Mapping[str, QueueLimits] = {}

    def refresh(self) -> None:
        """Read the limits again if any configuration has changed since."""
        with self._database.observing() as tx:
            revision = tx.config.get_revision()
            if revision != self._revision:
                self._limits = {
                    name: limits
                    for name, limits in read_limits(tx, self._registry).items()
                    if limits.limit or limits.per_key
                }
                self._names = queue_names(tx, self._registry)
                self._revision = revision

    @property
    def limited(self) -> Mapping[str, QueueLimits]:
        """Queues with a limit, as of the last `refresh`."""
        return self._limits

    def read_lanes(self) -> list[Lane]:
        """`lanes` as of now."""
        self.refresh()
        return self.lanes()

    def check(self, queue: str) -> None:
        """Raise QueueUnknownError unless there is such a queue at this moment."""
        with self._database.reading() as tx:
            check_queue(tx, self._registry, queue)

    def lanes(self) -> list[Lane]:
        """Every queue with every type that this process knows, as of the last `refresh`."""
        return [Lane(queue, job_type) for queue in self._names for job_type in self._registry]


def read_limits(tx: Transaction, registry: Mapping[str, JobSpec]) -> dict[str, QueueLimits]:
    """The configured queues with their limits, and those that job types limit by themselves."""
    of_types = {
        spec.queue: QueueLimits(limit=spec.queue_limit)
        for spec in registry.values()
        if spec.queue_limit is not None
    }
    return of_types | {
        entry.config_key.removeprefix(QUEUE_PREFIX): QueueLimits(
            limit=entry.value.get("limit"), per_key=entry.value.get("per_key")
        )
        for entry in tx.config.get_configs_by_type(JOBS)
        if entry.config_key.startswith(QUEUE_PREFIX)
    }


def check_queue(tx: Transaction, registry: Mapping[str, JobSpec], queue: str) -> None:
    """Raise QueueUnknownError, which says how a queue is made, unless there is this one."""
    names = queue_names(tx, registry)
    if queue not in names:
        raise QueueUnknownError(
            f"There is no queue {queue[:60]!r}; there are {', '.join(names)}.",
            hint=f"Make one: munshi config set jobs queue.{queue[:40]} '{{}}'",
        )


def queue_names(tx: Transaction, registry: Mapping[str, JobSpec]) -> list[str]:
    """Every queue there is: the default one, those of job types, and configured ones."""
    of_types = (spec.queue for spec in registry.values())
    return sorted({DEFAULT_QUEUE, *of_types, *read_limits(tx, registry)})
