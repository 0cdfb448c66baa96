"""A job that hands its work to children and waits for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from munshi.jobs.stops import JobStopped


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChild:
    """A child as its parent's handler asks for it; None for `queue` is the one of its type."""

    job_type: str
    parameters: Mapping[str, object]
    priority: int = 0
    queue: str | None = None
    concurrency_key: str | None = None


class JobWaiting(JobStopped):
    """The job waits until its children have ended, then runs again from its start."""

    def __init__(self, children: Sequence[NewChild]) -> None:
        super().__init__(len(children))
        self.children = tuple(children)
