"""Job types: what each takes, where it runs and how it may fail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

from munshi.domain.jobs import DEFAULT_QUEUE


class JobParameters(Protocol):
    """The typed input of one job type, which travels as JSON."""

    @classmethod
    def from_json(cls, raw: Mapping[str, object]) -> Self:
        """Raises JobParametersInvalidError with one sentence that names the field."""
        ...

    def to_json(self) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before the next try: doubled each time, up to `longest_seconds`."""

    first_seconds: float = 2.0
    longest_seconds: float = 900.0

    def seconds(self, tries: int) -> float:
        """Before the try that follows `tries` failed ones, without jitter."""
        doubled: int = 2 ** min(max(tries, 1) - 1, 30)
        return min(self.first_seconds * doubled, self.longest_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEntry:
    """What is run instead where the parameters ask for it, and the library that takes."""

    wanted: Callable[[Mapping[str, object]], bool]
    entry: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """How one job type is run.

    `entry` is `module:function`, resolved where the job runs; `needs` names the optional
    dependencies it cannot run without, and `other` both for some parameters. A job that is not
    `idempotent` is never run a second time by itself; any other is tried `max_attempts` times as
    long as its error is retryable, and taken up again after a crash until it has crashed
    `max_crashes` times.

    `timeout_seconds` ends an attempt that is alive but too slow. `memory_mb` is the most that a
    job which runs in a process may hold. A `brief` job ends in milliseconds: one thread runs a
    whole claimed batch of them. One that is not `batched` has its end on disk, in a transaction
    of its own, before anything else happens. One in `bulk` asks brokers for hours, and leaves a
    share of their limits to those who wait for an answer. `queue_limit` is how many of its queue
    run at a time, where the configuration says nothing of that queue.
    """

    params: type[JobParameters]
    entry: str
    runs_in: Literal["thread", "process"]
    needs: str | None = None
    other: OtherEntry | None = None
    idempotent: bool
    queue: str = DEFAULT_QUEUE
    max_attempts: int = 3
    max_crashes: int = 3
    backoff: Backoff = field(default_factory=Backoff)
    timeout_seconds: float | None = None
    memory_mb: int = 2048
    brief: bool = False
    batched: bool = True
    bulk: bool = False
    queue_limit: int | None = None

    def entry_for(self, parameters: Mapping[str, object]) -> tuple[str, str | None]:
        """Where such a job is run, and the library that it needs, if any."""
        if self.other is not None and self.other.wanted(parameters):
            return self.other.entry, self.other.needs
        return self.entry, self.needs

    @property
    def stored_alone(self) -> bool:
        """Whether its end is stored at once, by itself."""
        return not (self.batched and self.idempotent)
