"""A job in parts: the children it wants, and how its handler says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from munshi.jobs.stops import JobStopped


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChild:
    """A part of a job, which runs like any other job."""

    job_type: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    priority: int = 0
    queue: str | None = None
    concurrency_key: str | None = None


class JobWaiting(JobStopped):
    """The job waits for its parts; then its handler runs again from its start."""

    def __init__(self, children: Sequence[NewChild]) -> None:
        super().__init__(len(children))
        self.children = tuple(children)
