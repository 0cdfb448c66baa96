"""The audit trail: newest first a page at a time, as it grows, and as a file."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from munshi.api.answers import Shown
from munshi.api.event_stream import EventStream, spell
from munshi.api.instants import Moment
from munshi.api.roles import Role, actor_of, allows
from munshi.audit.export import MEDIA_TYPES, TextFormat, document, json_text, spell_rows
from munshi.audit.feed import AuditFeed
from munshi.audit.service import AuditNews, AuditQuery, read_place
from munshi.bootstrap import Services
from munshi.infrastructure.database.audit_queries import AuditPlace

_LINES = 500
_Limit = Annotated[int, Query(ge=1, le=500)]
_Text = Annotated[str | None, Query(max_length=200)]
_Since = Annotated[Moment | None, Query(description="Not before this; a bare day is IST.")]
_Until = Annotated[Moment | None, Query(description="Before this; a bare day is IST.")]
_Last = Annotated[str | None, Header(alias="Last-Event-ID", max_length=4000)]


class AuditShown(Shown):
    id: int = Field(validation_alias="audit_id")
    timestamp: datetime
    entity_type: str
    entity_id: str | None
    action: str
    user_id: str
    request_id: str | None
    job_id: str | None
    old_value: Any
    new_value: Any
    details: Any


class AuditAnswer(Shown):
    entries: list[AuditShown]
    next_cursor: str | None


def _query(
    *,
    entity_type: _Text = None,
    entity_id: _Text = None,
    user_id: _Text = None,
    action: _Text = None,
    request_id: _Text = None,
    job_id: _Text = None,
    since: _Since = None,
    until: _Until = None,
) -> AuditQuery:
    return AuditQuery(
        entity_type=entity_type,
        entity_id=entity_id,
        user_id=user_id,
        action=action,
        request_id=request_id,
        job_id=job_id,
        since=since,
        until=until,
    )


_Asked = Annotated[AuditQuery, Depends(_query)]


class SealAnswer(Shown):
    ledger_id: str | None
    blocks: int
    sealed_rows: int
    unsealed_rows: int
    oldest_unsealed: datetime | None
    head: str | None = Field(description="The last block's hash, in hex.")


class AuditRoutes:
    """Reading only; there is no call that changes the trail."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit
        self._feed = services.audit_feed
        self._ledger = services.ledger

    def add_to(self, router: APIRouter) -> None:
        options: dict[str, Any] = {"tags": ["audit"]}
        router.add_api_route("/audit", self.asked, **options)
        router.add_api_route("/audit/recent", self.recent, **options)
        router.add_api_route(
            "/audit/events", self.events, response_class=EventStream, status_code=200, **options
        )
        router.add_api_route(
            "/audit/export", self.export, response_class=StreamingResponse, **options
        )
        router.add_api_route("/audit/seal", self.seal, **options)
        router.add_api_route(
            "/audit/entity/{entity_type}/{entity_id:path}", self.of_entity, **options
        )
        router.add_api_route("/audit/user/{user_id}", self.of_user, **options)

    @allows(Role.VIEWER)
    def asked(self, query: _Asked, *, cursor: _Text = None, limit: _Limit = 50) -> AuditAnswer:
        """What was done, newest first, by all that can be asked for together."""
        return self._page(query, cursor, limit)

    @allows(Role.VIEWER)
    def seal(self) -> SealAnswer:
        """How far the trail is sealed; `munshi audit verify` checks all of it."""
        return SealAnswer.model_validate(self._ledger.state())

    @allows(Role.VIEWER)
    def recent(
        self,
        *,
        since: _Since = None,
        until: _Until = None,
        action: _Text = None,
        cursor: _Text = None,
        limit: _Limit = 50,
    ) -> AuditAnswer:
        """What was done lately."""
        return self._page(AuditQuery(since=since, until=until, action=action), cursor, limit)

    @allows(Role.VIEWER)
    def of_entity(
        self,
        entity_type: str,
        entity_id: str,
        *,
        since: _Since = None,
        until: _Until = None,
        action: _Text = None,
        cursor: _Text = None,
        limit: _Limit = 50,
    ) -> AuditAnswer:
        """What was done to one thing, such as `auth/kite` or `config/jobs/keep_days`."""
        query = AuditQuery(
            entity_type=entity_type, entity_id=entity_id, since=since, until=until, action=action
        )
        return self._page(query, cursor, limit)

    @allows(Role.VIEWER)
    def of_user(
        self,
        user_id: str,
        *,
        since: _Since = None,
        until: _Until = None,
        action: _Text = None,
        cursor: _Text = None,
        limit: _Limit = 50,
    ) -> AuditAnswer:
        """What one user did."""
        query = AuditQuery(user_id=user_id, since=since, until=until, action=action)
        return self._page(query, cursor, limit)

    @allows(Role.VIEWER)
    async def events(self, query: _Asked, last: _Last = None) -> Response:
        """What is done from now on, as it is done: an `audit` event a row.

        Each event's id is a place in the trail. With it as Last-Event-ID the stream goes on behind
        that row: no row is left out, whatever order transactions end in.
        """
        if last is None:
            news = await run_in_threadpool(self._audit.last, query, limit=0)
            place = news.place
        else:
            query.check()
            place = read_place(last)
        return EventStream(lambda wake: _Spelt(self._feed, query, place, wake=wake))

    @allows(Role.OPERATOR)
    def export(
        self,
        request: Request,
        query: _Asked,
        form: Annotated[TextFormat, Query(alias="format")] = TextFormat.CSV,
    ) -> Response:
        """All that was done and matches, oldest first, as a file. That it was taken is audited.

        In CSV a cell that a spreadsheet would take for a formula, or that begins with an
        apostrophe, has an apostrophe before it.
        """
        export = self._audit.begin_export(query, way=f"api {form}", actor=actor_of(request))
        return StreamingResponse(
            _chunks(spell_rows(export.entries, form)),
            media_type=MEDIA_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="audit.{form}"'},
        )

    def _page(self, query: AuditQuery, cursor: str | None, limit: int) -> AuditAnswer:
        page = self._audit.page(cursor=cursor, limit=limit, **query.asked())
        return AuditAnswer(
            entries=[AuditShown.model_validate(entry) for entry in page.entries],
            next_cursor=page.next_cursor,
        )


class _Spelt:
    """A reader of the feed whose rows are spelt for the wire."""

    def __init__(
        self,
        feed: AuditFeed,
        query: AuditQuery,
        place: AuditPlace,
        *,
        wake: Callable[[], None],
    ) -> None:
        self._feed = feed
        self._reader = feed.subscribe(query, place, wake=wake)

    @property
    def is_over(self) -> bool:
        return self._reader.is_over

    def take(self) -> list[bytes]:
        return [event for news in self._reader.take() for event in _events(news)]

    def close(self) -> None:
        self._feed.unsubscribe(self._reader)


def _events(news: AuditNews) -> Iterator[bytes]:
    """Whoever is cut off amid some rows gets them again, rather than never."""
    *early, last = news.entries
    for entry in early:
        yield spell("audit", json_text(document(entry)))
    yield spell("audit", json_text(document(last)), event_id=news.place.to_text())


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    """Some hundred lines at a time: a thread is handed each, and a line is too little for that."""
    while chunk := "".join(islice(lines, _LINES)):
        yield chunk
