"""The streams that keep open pages fresh: one a page, holding neither thread nor connection."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.event_stream import EventStream
from munshi.api.roles import Role, allows
from munshi.dashboard.alert_pages import AlertPages
from munshi.dashboard.at_work import AtWork
from munshi.dashboard.job_filters import JobQuery
from munshi.dashboard.job_pages import JobPages
from munshi.dashboard.live import LiveFeed, Moving, Reader
from munshi.dashboard.look import may_act_of
from munshi.dashboard.queue_pages import QueuePages
from munshi.dashboard.schedule_pages import SchedulePages
from munshi.dashboard.today_page import TodayPages
from munshi.errors import RequestInvalidError
from munshi.jobs.listing import read_cursor

_Mark = Annotated[str, Query(max_length=40)]
_Cursor = Annotated[str | None, Query(max_length=300)]
_Last = Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)]


class LiveRoutes:
    """The only `async def` routes of the dashboard that wait."""

    def __init__(
        self,
        feed: LiveFeed,
        *,
        today: TodayPages,
        jobs: JobPages,
        queues: QueuePages,
        schedules: SchedulePages,
        alerts: AlertPages,
        at_work: AtWork,
    ) -> None:
        self._feed = feed
        self._today = today
        self._jobs = jobs
        self._queues = queues
        self._schedules = schedules
        self._alerts = alerts
        self._at_work = at_work

    def add_to(self, router: APIRouter) -> None:
        for path, call in (
            ("/ui/live/today", self.today),
            ("/ui/live/queues", self.queues),
            ("/ui/live/schedules", self.schedules),
            ("/ui/live/alerts", self.alerts),
            ("/ui/live/work/{matter}", self.work),
            ("/ui/live/jobs", self.jobs),
            ("/ui/live/jobs/{job_id}", self.job),
        ):
            router.add_api_route(path, call, include_in_schema=False)

    @allows(Role.VIEWER)
    async def today(self, request: Request, seen: _Mark = "", last: _Last = None) -> Response:
        return self._stream(self._today.part(may_act=may_act_of(request)), last or seen)

    @allows(Role.VIEWER)
    async def queues(self, request: Request, seen: _Mark = "", last: _Last = None) -> Response:
        return self._stream(self._queues.part(may_act=may_act_of(request)), last or seen)

    @allows(Role.VIEWER)
    async def schedules(self, request: Request, seen: _Mark = "", last: _Last = None) -> Response:
        part = self._schedules.list_part(may_act=may_act_of(request))
        return self._stream(part, last or seen)

    @allows(Role.VIEWER)
    async def alerts(self, request: Request, seen: _Mark = "", last: _Last = None) -> Response:
        return self._stream(self._alerts.part(may_act=may_act_of(request)), last or seen)

    @allows(Role.VIEWER)
    async def work(self, matter: str, seen: _Mark = "", last: _Last = None) -> Response:
        return self._stream(self._at_work.part(matter), last or seen)

    @allows(Role.VIEWER)
    async def jobs(
        self, request: Request, seen: _Mark = "", cursor: _Cursor = None, last: _Last = None
    ) -> Response:
        chosen = JobQuery.read(request.query_params)
        read_cursor(cursor) if cursor else None
        if chosen.said:
            raise RequestInvalidError("A list that is searched by a text stands still.")
        part = self._jobs.list_part(chosen, cursor=cursor or None, may_act=may_act_of(request))
        return self._stream(part, last or seen)

    @allows(Role.VIEWER)
    async def job(
        self, job_id: str, request: Request, seen: _Mark = "", last: _Last = None
    ) -> Response:
        part = self._jobs.job_part(job_id, may_act=may_act_of(request))
        return self._stream(part, last or seen)

    def _stream(self, moving: Moving, seen: str) -> Response:
        return EventStream(lambda wake: _Followed(self._feed, moving, seen=seen, wake=wake))


class _Followed:
    """A reader that leaves the feed with its page."""

    def __init__(
        self, feed: LiveFeed, moving: Moving, *, seen: str, wake: Callable[[], None]
    ) -> None:
        self._feed = feed
        self._reader: Reader = feed.subscribe(moving, seen=seen, wake=wake)

    @property
    def is_over(self) -> bool:
        return self._reader.is_over

    def take(self) -> list[bytes]:
        return self._reader.take()

    def close(self) -> None:
        self._feed.unsubscribe(self._reader)
