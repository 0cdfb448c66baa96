"""Queues as people see them: what waits, what may run, what is paused, who works."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.job_specs import JobSpec
from munshi.domain.jobs import JobPause, JobWorker, PauseKind, QueueLimits
from munshi.errors import QueueUnknownError
from munshi.infrastructure.database.engine import Database
from munshi.jobs.queues import queue_names, read_limits
from munshi.jobs.requests import find_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """One queue; `oldest_at` is the turn of the job that has waited longest."""

    name: str
    limits: QueueLimits
    pause: JobPause | None
    queued: int
    oldest_at: datetime | None
    places_taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueBoard:
    """All queues, the paused job types, and the workers."""

    queues: tuple[QueueView, ...]
    paused_types: tuple[JobPause, ...]
    workers: tuple[JobWorker, ...]


class QueueService:
    """Pauses are audited; from a paused queue or type nothing is taken, what runs goes on."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        registry: Mapping[str, JobSpec],
        rouse: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._rouse = rouse

    def board(self) -> QueueBoard:
        with self._database.reading() as tx:
            pauses = tx.queues.list_pauses()
            paused = {pause.name: pause for pause in pauses if pause.kind is PauseKind.QUEUE}
            limits = read_limits(tx, self._registry)
            backlog = tx.queues.backlog()
            taken = tx.queues.count_places()
            queues = tuple(
                QueueView(
                    name=name,
                    limits=limits.get(name, QueueLimits()),
                    pause=paused.get(name),
                    queued=backlog[name].queued if name in backlog else 0,
                    oldest_at=backlog[name].oldest_at if name in backlog else None,
                    places_taken=taken.get(name, 0),
                )
                for name in queue_names(tx, self._registry)
            )
            workers = tuple(tx.queues.list_workers())
        types = tuple(pause for pause in pauses if pause.kind is PauseKind.JOB_TYPE)
        return QueueBoard(queues=queues, paused_types=types, workers=workers)

    def workers(self) -> tuple[JobWorker, ...]:
        """Oldest first; one that was killed stays until it is forgotten."""
        with self._database.reading() as tx:
            return tuple(tx.queues.list_workers())

    def pause(self, kind: PauseKind, name: str, *, reason: str | None = None, actor: Actor) -> bool:
        """Take nothing more from it; false where it was paused already.

        Raises QueueUnknownError or JobTypeUnknownError.
        """
        now = self._clock.now()
        with self._database.transaction() as tx:
            if kind is PauseKind.JOB_TYPE:
                find_spec(self._registry, name)
            elif name not in (names := queue_names(tx, self._registry)):
                raise QueueUnknownError(
                    f"There is no queue {name[:60]!r}; there are {', '.join(names)}."
                )
            pause = JobPause(
                kind=kind,
                name=name,
                reason=reason and reason[:500],
                paused_by=actor.user_id,
                paused_at=now,
            )
            is_new = tx.queues.save_pause(pause)
            if is_new:
                tx.audit.log(
                    str(kind),
                    "pause",
                    entity_id=name,
                    old_value={"paused": False},
                    new_value={"paused": True},
                    details={"reason": pause.reason},
                    actor=actor,
                    now=now,
                )
        return is_new

    def resume(self, kind: PauseKind, name: str, *, actor: Actor) -> bool:
        """Take from it again; false where it was not paused."""
        now = self._clock.now()
        with self._database.transaction() as tx:
            was_paused = tx.queues.remove_pause(kind, name)
            if was_paused:
                tx.audit.log(
                    str(kind),
                    "resume",
                    entity_id=name,
                    old_value={"paused": True},
                    new_value={"paused": False},
                    actor=actor,
                    now=now,
                )
                tx.after_commit(self._rouse)
        return was_paused
