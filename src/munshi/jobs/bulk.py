"""Many jobs at once: what a filter means, shown first and then done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.jobs import FINAL_STATES, Job, JobState
from munshi.errors import (
    JobSelectionGrownError,
    JobStateConflictError,
    JobUnknownError,
    RequestInvalidError,
)
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.job_repository import JobCount, JobFilter
from munshi.infrastructure.database.transaction import Transaction
from munshi.jobs.acts import cancel_in, discard_in, retry_in

SHOWN = 10
CHUNK = 200
MOST = 100_000


class BulkAction(StrEnum):
    """What can be done to many jobs."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"


# Succeeded jobs are not discarded by the way: a filter has to ask for them.
_STATES: Mapping[BulkAction, frozenset[JobState]] = {
    BulkAction.RETRY: frozenset({JobState.FAILED, JobState.DEAD, JobState.HELD}),
    BulkAction.CANCEL: frozenset(JobState) - FINAL_STATES,
    BulkAction.DISCARD: frozenset({JobState.FAILED, JobState.DEAD, JobState.CANCELLED}),
}
_ALLOWED: Mapping[BulkAction, frozenset[JobState]] = {
    BulkAction.RETRY: _STATES[BulkAction.RETRY] | {JobState.CANCELLED},
    BulkAction.CANCEL: _STATES[BulkAction.CANCEL],
    BulkAction.DISCARD: FINAL_STATES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPreview:
    """What an action would touch: how many of each type and state, and the newest of them."""

    action: BulkAction
    chosen: JobFilter
    counts: tuple[JobCount, ...]
    newest: tuple[Job, ...]

    @property
    def jobs(self) -> int:
        return sum(count.jobs for count in self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOutcome:
    """How many jobs were changed, and how many had moved on meanwhile."""

    done: int
    skipped: int


class BulkService:
    """Retry, cancel or discard by filter; each job is audited by itself."""

    def __init__(self, database: Database, clock: Clock, *, rouse: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._rouse = rouse

    def preview(self, action: BulkAction, chosen: JobFilter) -> BulkPreview:
        """Raises RequestInvalidError when the filter asks for states the action cannot take."""
        narrowed = narrow(action, chosen)
        with self._database.reading() as tx:
            counts = tx.jobs.count_jobs(narrowed)
            newest = tx.jobs.list_jobs(narrowed, limit=SHOWN)
        return BulkPreview(
            action=action, chosen=narrowed, counts=tuple(counts), newest=tuple(newest)
        )

    def apply(
        self,
        action: BulkAction,
        chosen: JobFilter,
        *,
        actor: Actor,
        at_most: int | None = None,
        done_so_far: Callable[[int], None] | None = None,
    ) -> BulkOutcome:
        """Do it, some hundreds at a time; what a concurrent change took away is skipped.

        `done_so_far` is told after each of these transactions. With `at_most`, the number that a
        preview showed, raises JobSelectionGrownError and does nothing if more match by now.
        """
        narrowed = narrow(action, chosen)
        with self._database.reading() as tx:
            jobs = tx.jobs.list_jobs(narrowed, limit=MOST)
        if at_most is not None and len(jobs) > at_most:
            raise JobSelectionGrownError(
                f"{at_most:,} jobs were shown, but {len(jobs):,} match by now; nothing was done.",
                hint="Look again at what would be done, then say so.",
            )
        # In the order in which workers store ends: two who lock rows crosswise would both wait.
        jobs.sort(key=lambda job: job.job_id)
        if action is BulkAction.DISCARD:
            # Parts before the whole.
            jobs.sort(key=lambda job: job.parent_id is None)
        done = skipped = 0
        for start in range(0, len(jobs), CHUNK):
            chunk = jobs[start : start + CHUNK]
            with self._database.transaction() as tx:
                changed = sum(self._one(tx, action, job.job_id, actor) for job in chunk)
                tx.after_commit(self._rouse)
            done += changed
            skipped += len(chunk) - changed
            if done_so_far is not None:
                done_so_far(done)
        return BulkOutcome(done=done, skipped=skipped)

    def _one(self, tx: Transaction, action: BulkAction, job_id: UUID, actor: Actor) -> bool:
        now = self._clock.now()
        try:
            if action is BulkAction.RETRY:
                retry_in(tx, job_id, actor=actor, now=now)
            elif action is BulkAction.CANCEL:
                cancel_in(tx, job_id, actor=actor, now=now)
            else:
                discard_in(tx, job_id, actor=actor, now=now)
        except (JobStateConflictError, JobUnknownError):
            return False
        return True


def narrow(action: BulkAction, chosen: JobFilter) -> JobFilter:
    """`chosen`, with the states that the action is for where it names none.

    What was imported is never tried again.

    Raises RequestInvalidError when it names others.
    """
    if action is BulkAction.RETRY:
        chosen = replace(chosen, is_imported=False)
    if chosen.states is None:
        return replace(chosen, states=_STATES[action])
    if wrong := sorted(chosen.states - _ALLOWED[action]):
        allowed = ", ".join(sorted(_ALLOWED[action]))
        raise RequestInvalidError(f"A {wrong[0]} job cannot be put to {action}, only: {allowed}.")
    return chosen
