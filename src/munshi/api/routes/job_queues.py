"""Queues and workers: what waits, what may run, what is paused, who works."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from munshi.api.answers import Body, Shown
from munshi.api.roles import Role, actor_of, allows
from munshi.bootstrap import Services
from munshi.domain.jobs import JobPause, PauseKind, WorkerStatus
from munshi.jobs.queue_service import QueueView


class PauseAsked(Body):
    reason: str | None = Field(default=None, max_length=500)


class PauseShown(Shown):
    name: str
    reason: str | None
    paused_by: str
    paused_at: datetime


class QueueShown(Shown):
    """`limit` and `per_key` are how many may run at a time, in all and for each key."""

    name: str
    queued: int
    oldest_at: datetime | None
    limit: int | None
    per_key: int | None
    places_taken: int
    pause: PauseShown | None


class QueuesAnswer(Shown):
    queues: list[QueueShown]
    paused_types: list[PauseShown]


class WorkerShown(Shown):
    """`abandoned` threads ignored that they were told to stop."""

    worker_id: str
    host: str
    process_id: int
    status: WorkerStatus
    threads: int
    running: int
    abandoned: int
    started_at: datetime
    heartbeat_at: datetime
    heartbeat_age_seconds: float


class WorkersAnswer(Shown):
    workers: list[WorkerShown]


class PauseAnswer(Shown):
    """`changed` is false where it was so already."""

    kind: PauseKind
    name: str
    paused: bool
    changed: bool


class JobQueueRoutes:
    """A pause keeps jobs from being taken; what runs goes on."""

    def __init__(self, services: Services) -> None:
        self._queues = services.queues
        self._clock = services.clock

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["jobs"]}
        post: dict[str, Any] = {**options, "methods": ["POST"]}
        router.add_api_route("/jobs/queues", self.queues, **options)
        router.add_api_route("/jobs/workers", self.workers, **options)
        router.add_api_route("/jobs/queues/{name}/pause", self.pause_queue, **post)
        router.add_api_route("/jobs/queues/{name}/resume", self.resume_queue, **post)
        router.add_api_route("/jobs/types/{name}/pause", self.pause_type, **post)
        router.add_api_route("/jobs/types/{name}/resume", self.resume_type, **post)

    @allows(Role.VIEWER)
    def queues(self) -> QueuesAnswer:
        """Every queue with what waits in it and what may run, and the paused job types."""
        board = self._queues.board()
        return QueuesAnswer(
            queues=[_queue_shown(queue) for queue in board.queues],
            paused_types=[PauseShown.model_validate(pause) for pause in board.paused_types],
        )

    @allows(Role.VIEWER)
    def workers(self) -> WorkersAnswer:
        """Every worker; one that was killed is shown until it is forgotten, with an old sign."""
        now = self._clock.now()
        return WorkersAnswer(
            workers=[
                WorkerShown(
                    worker_id=worker.worker_id,
                    host=worker.host,
                    process_id=worker.process_id,
                    status=worker.status,
                    threads=worker.threads,
                    running=worker.running,
                    abandoned=worker.abandoned,
                    started_at=worker.started_at,
                    heartbeat_at=worker.heartbeat_at,
                    heartbeat_age_seconds=max(0.0, (now - worker.heartbeat_at).total_seconds()),
                )
                for worker in self._queues.workers()
            ]
        )

    @allows(Role.OPERATOR)
    def pause_queue(
        self, name: str, request: Request, body: PauseAsked | None = None
    ) -> PauseAnswer:
        """Take nothing more from a queue."""
        return self._pause(PauseKind.QUEUE, name, request, body)

    @allows(Role.OPERATOR)
    def pause_type(
        self, name: str, request: Request, body: PauseAsked | None = None
    ) -> PauseAnswer:
        """Take no more jobs of a type."""
        return self._pause(PauseKind.JOB_TYPE, name, request, body)

    @allows(Role.OPERATOR)
    def resume_queue(self, name: str, request: Request) -> PauseAnswer:
        """Take from a queue again."""
        return self._resume(PauseKind.QUEUE, name, request)

    @allows(Role.OPERATOR)
    def resume_type(self, name: str, request: Request) -> PauseAnswer:
        """Take jobs of a type again."""
        return self._resume(PauseKind.JOB_TYPE, name, request)

    def _pause(
        self, kind: PauseKind, name: str, request: Request, body: PauseAsked | None
    ) -> PauseAnswer:
        reason = body.reason if body else None
        changed = self._queues.pause(kind, name, reason=reason, actor=actor_of(request))
        return PauseAnswer(kind=kind, name=name, paused=True, changed=changed)

    def _resume(self, kind: PauseKind, name: str, request: Request) -> PauseAnswer:
        changed = self._queues.resume(kind, name, actor=actor_of(request))
        return PauseAnswer(kind=kind, name=name, paused=False, changed=changed)


def _queue_shown(queue: QueueView) -> QueueShown:
    pause: JobPause | None = queue.pause
    return QueueShown(
        name=queue.name,
        queued=queue.queued,
        oldest_at=queue.oldest_at,
        limit=queue.limits.limit,
        per_key=queue.limits.per_key,
        places_taken=queue.places_taken,
        pause=None if pause is None else PauseShown.model_validate(pause),
    )
