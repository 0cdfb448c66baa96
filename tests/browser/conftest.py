"""One browser for these tests, and the API served to it for real."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from socket import socket

import httpx
import pytest
from playwright.sync_api import Page
from starlette.types import ASGIApp

from browser.chromium import CHROMIUM, DESKTOP, MISSING, Watch, open_page
from browser.site import Elsewhere, Site
from desks import open_desk
from munshi.api.server import address_of, build_server, listen
from munshi.dashboard.site import create_site
from munshi.settings import Settings
from simulators import Simulator


# One page for all tests of a module, because opening another costs more than most of them; not
# for the session, because the tests of others need this thread for loops of their own.
@pytest.fixture(scope="module")
def _page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        pytest.fail(MISSING, pytrace=False)
    with open_page() as opened:
        yield opened


@pytest.fixture(scope="module")
def watch(_page: Page) -> Watch:
    return Watch(_page)


@pytest.fixture
def tab(_page: Page, watch: Watch) -> Iterator[Page]:
    """An empty page without cookies. The test fails on what a page did wrong; see `Watch`."""
    yield _page
    _page.goto("about:blank")
    _page.context.clear_cookies()
    _page.set_viewport_size(DESKTOP)
    complaints = watch.take()
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture(scope="module")
def terminal() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client


@contextmanager
def _serving(
    app: ASGIApp, listener: socket, *, on_stop: Callable[[], None] = lambda: None
) -> Iterator[None]:
    server = build_server(app, on_stop=on_stop)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def site(desk_settings: Settings, simulator: Simulator, terminal: httpx.Client) -> Iterator[Site]:
    """Munshi on a port of its own, known to both brokers; nobody is logged in."""
    with listen("127.0.0.1", 0) as listener:
        here = address_of(listener)
        settings = desk_settings.model_copy(update={"port": here[1]})
        simulator.parts.redirects.kite_url = f"{settings.base_url}/auth/kite/callback"
        simulator.parts.redirects.breeze_url = f"{settings.base_url}/auth/breeze/callback"
        with (
            open_desk(settings, simulator) as desk,
            closing(create_site(desk.services, listening=[here])) as served,
            _serving(served.app, listener, on_stop=served.end_streams),
        ):
            yield Site(
                url=settings.base_url,
                desk=desk,
                terminal=terminal,
                feed=served.feed,
                routes=served.app.routes,
            )


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A site that is not ours."""
    page = Elsewhere()
    with listen("127.0.0.1", 0) as listener, _serving(page, listener):
        page.port = address_of(listener)[1]
        yield page
