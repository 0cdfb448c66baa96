"""What happens to a job, as server-sent events."""

import json
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from munshi.api.answers import utc_text
from munshi.api.event_stream import EventStream, spell
from munshi.api.roles import Role, allows
from munshi.api.routes.job_shapes import place_text, read_place
from munshi.bootstrap import Services
from munshi.domain.jobs import Job, JobLogLine
from munshi.jobs.feed import EventKind, JobEvent, JobFeed, JobReader
from munshi.jobs.watching import Place

_END = ":end"
_NO_CONTENT = 204  # a browser does not come back after it
_Last = Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)]


class JobEventRoutes:
    """The one kind of `async def` route that waits: it holds neither thread nor connection."""

    def __init__(self, services: Services) -> None:
        self._jobs = services.jobs
        self._feed = services.job_feed

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route(
            "/jobs/{job_id}/events",
            self.events,
            tags=["jobs"],
            response_class=EventStream,
            status_code=200,
            responses={204: {"description": "All was sent before, and the job has ended."}},
        )

    @allows(Role.VIEWER)
    async def events(self, job_id: str, last: _Last = None) -> Response:
        """What happens to a job, as it happens: `state`, `progress`, `log`, and `end` at the last.

        Each event's id says how far the log has come (ATTEMPT:LINE). With it as Last-Event-ID the
        stream goes on behind that line, after the state as it is now.
        """
        after = read_place((last or "0:0").removesuffix(_END))
        job = await run_in_threadpool(self._jobs.get, job_id)
        if last is not None and last.endswith(_END) and job.state.is_final:
            return Response(status_code=_NO_CONTENT)
        return EventStream(lambda wake: _Spelt(self._feed, job.job_id, after=after, wake=wake))


class _Spelt:
    """A reader of the feed whose events are spelt for the wire."""

    def __init__(
        self, feed: JobFeed, job_id: UUID, *, after: Place, wake: Callable[[], None]
    ) -> None:
        self._feed = feed
        self._reader: JobReader = feed.subscribe(job_id, after=after, wake=wake)

    @property
    def is_over(self) -> bool:
        return self._reader.is_over

    def take(self) -> list[bytes]:
        return [_spell(event) for event in self._reader.take()]

    def close(self) -> None:
        self._feed.unsubscribe(self._reader)


def _spell(event: JobEvent) -> bytes:
    document = _line(event.line) if event.line else _moment(event.job)
    is_end = event.kind is EventKind.END
    return spell(
        event.kind,
        json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        event_id=place_text(event.place) + (_END if is_end else ""),
    )


def _moment(job: Job | None) -> dict[str, Any]:
    """What moves; the whole job is asked for by itself. A deleted one has no state."""
    if job is None:
        return {"state": None}
    return {
        "job_id": str(job.job_id),
        "state": job.state,
        "attempt": job.attempt,
        "progress_percent": job.progress_percent,
        "progress_rate": job.progress_rate,
        "eta": utc_text(job.eta) if job.eta else None,
        "message": job.message,
        "error": job.error_details,
        "updated_at": utc_text(job.updated_at),
    }


def _line(line: JobLogLine) -> dict[str, Any]:
    return {
        "attempt": line.attempt,
        "line": line.line,
        "logged_at": utc_text(line.logged_at),
        "level": line.level,
        "event": line.event,
        "fields": line.fields,
    }
