"""Words for everybody: at /ui/ where no pages are served, and where a broker's redirect ends."""

from collections.abc import Iterator
from html import escape

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from munshi.api.files import PackagedFiles
from munshi.api.pages import page
from munshi.api.roles import Role, allows, facts_of
from munshi.domain.people import SignedIn
from munshi.errors import AppError, PathUnknownError
from munshi.settings import BrokerMode

# Where a person goes on after a broker's login page, as the page that led there wrote it down.
THEN_COOKIE, FIRST_RUN = "munshi-then", "first-run"
_FILES = PackagedFiles(folder=".", media_types={"pages.css": "text/css"})


class FrontPageRoutes:
    """Open to everybody: words, no data."""

    def __init__(self, *, mode: BrokerMode, url: str, has_pages: bool = False) -> None:
        self._mode = mode
        self._url = escape(url)
        self._has_pages = has_pages

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/", self.to_pages, include_in_schema=False)
        router.add_api_route("/ui", self.to_pages, include_in_schema=False)
        if not self._has_pages:
            router.add_api_route("/ui/", self.front, include_in_schema=False)
        router.add_api_route("/ui/login/done", self.login_done, include_in_schema=False)
        router.add_api_route("/problems/{slug}", self.problem, include_in_schema=False)
        router.add_api_route("/ui/static/{name}", self.file, include_in_schema=False)

    @allows(Role.PUBLIC)
    async def to_pages(self) -> Response:
        return RedirectResponse("/ui/", status_code=307)

    @allows(Role.PUBLIC)
    async def front(self, request: Request) -> Response:
        return front_words(
            mode=self._mode, url=self._url, session=facts_of(request).principal.session
        )

    @allows(Role.PUBLIC)
    async def login_done(self, request: Request, service: str = "") -> Response:
        name = {"kite": "Kite", "breeze": "Breeze"}.get(service, "The broker")
        is_first_run = request.cookies.get(THEN_COOKIE) == FIRST_RUN
        goes_on = '<p><a href="/ui/first-run">Go on setting up</a></p>' if is_first_run else ""
        return page(
            "Signed in",
            f"<main><h1>{name} login received</h1>{goes_on}<p>You can close this page. See it with "
            f"<code>curl {self._url}/auth/db/status</code>, or look at "
            '<a href="/ui/">Today</a>.</p></main>',
            mode=self._mode,
        )

    @allows(Role.PUBLIC)
    async def problem(self, slug: str) -> Response:
        """What the `type` of a problem leads to."""
        found = next((error for error in _errors(AppError) if error.slug() == slug), None)
        if found is None:
            raise PathUnknownError(f"There is no problem {slug!r}.")
        again = "may" if found.retryable else "will not"
        return page(
            found.title(),
            f"<main><h1>{escape(found.title())}</h1><p>The status is {found.status}. The same "
            f"request {again} succeed later by itself.</p></main>",
            mode=self._mode,
        )

    @allows(Role.PUBLIC)
    async def file(self, name: str, request: Request) -> Response:
        return _FILES.answer(name, request)


def front_words(*, mode: BrokerMode, url: str, session: SignedIn | None) -> Response:
    """What this is. `url` is escaped already."""
    return page(
        "The clerk who keeps the books",
        "<main><h1>Munshi</h1><p>The backend of a trading desk: broker logins, background "
        "jobs, market data, configuration and an audit trail, in one database.</p>"
        '<p><a href="/docs">What the API can do</a></p>'
        "<p>How the broker logins stand, asked from a terminal on this machine:</p>"
        f"<p><code>curl {url}/auth/db/status</code></p>"
        f"{_who(session)}</main>",
        mode=mode,
    )


def _who(session: SignedIn | None) -> str:
    """Who is signed in, and the way in or out."""
    if session is None:
        return '<p><a href="/ui/sign-in">Sign in</a></p>'
    return (
        f"<p>You are {escape(session.username)}, {session.role.word} here.</p>"
        '<form method="post" action="/ui/sign-out"><button>Sign out</button></form>'
    )


def _errors(root: type[AppError]) -> Iterator[type[AppError]]:
    yield root
    for error in root.__subclasses__():
        yield from _errors(error)
