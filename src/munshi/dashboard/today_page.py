"""The page that people leave open: `/ui/`, and the way from it to a broker's sign-in."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.front_page import FIRST_RUN, THEN_COOKIE, front_words
from munshi.api.roles import Role, allows, facts_of
from munshi.auth.login_book import PENDING_FOR
from munshi.bootstrap import Services
from munshi.dashboard.look import Look
from munshi.dashboard.parts import Part, alive
from munshi.dashboard.today import COUNTED_TO, TodayBoard
from munshi.errors import OriginForeignError

_Word = Annotated[str, Query(max_length=40)]
_OWN_SITES = frozenset({None, "same-origin", "none"})


class TodayPages:
    """Today, or, for whom nobody knows, what this is and where to sign in."""

    def __init__(self, services: Services, look: Look, *, url: str) -> None:
        self._services = services
        self._board = TodayBoard(services)
        self._look = look
        self._url = url

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/ui/", self.today, include_in_schema=False)
        router.add_api_route("/ui/brokers/{service}/sign-in", self.sign_in, include_in_schema=False)

    @allows(Role.PUBLIC)
    def today(self, request: Request) -> Response:
        principal = facts_of(request).principal
        if principal.role < Role.VIEWER:
            return front_words(
                mode=self._services.settings.brokers, url=self._url, session=principal.session
            )
        part = self.part(may_act=principal.role >= Role.OPERATOR)
        return self._look.page(
            request, "today.html", title="Today", alive=alive(part, "/ui/live/today")
        )

    @allows(Role.OPERATOR)
    def sign_in(self, service: str, request: Request, then: _Word = "") -> Response:
        """Off to the broker, by a link of ours that lives for minutes; `then` is where after."""
        if request.headers.get("sec-fetch-site") not in _OWN_SITES:
            raise OriginForeignError(
                "A sign-in at a broker begins on a page of Munshi.", hint="Open Today first."
            )
        broker = self._services.logins.of(service)
        answer = RedirectResponse(broker.book.login_link(), status_code=303)
        if then == FIRST_RUN:
            answer.set_cookie(
                THEN_COOKIE,
                FIRST_RUN,
                max_age=int(PENDING_FOR.total_seconds()),
                path="/ui/login/done",
                httponly=True,
                samesite="lax",
            )
        return answer

    def part(self, *, may_act: bool) -> Part:
        return Part(key=("today", may_act), draw=partial(self._draw, may_act=may_act))

    def _draw(self, *, may_act: bool) -> Markup:
        today = self._board.read()
        days = sorted(
            (*(row.day for row in today.timeline.rows), *today.timeline.often),
            key=lambda day: day.name,
        )
        return self._look.fragment(
            "today_part.html", may_act=may_act, today=today, days=days, counted_to=COUNTED_TO
        )
