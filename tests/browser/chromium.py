"""Starts Debian's Chromium without a way off this machine, and notes what goes wrong in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    WebError,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
MISSING = f"{CHROMIUM} is missing: apt-get install --no-install-recommends chromium"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
_PAUSE_MS = 20
_FLAGS = [
    "--no-sandbox",  # root has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
_WITHOUT_A_HOST = frozenset({"about", "blob", "data"})


@contextmanager
def open_page() -> Iterator[Page]:
    """A page of a new browser whose profile is thrown away afterwards.

    While it is open `asyncio.run` is refused in the same thread: Playwright keeps a loop there.
    """
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        context = browser.new_context(viewport=DESKTOP)
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield context.new_page()
        browser.close()


class Watch:
    """Notes what no page may do: ask another machine, break its policy, fail in a script."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._complaints: list[str] = []
        context = page.context
        context.on("request", self._note_request)
        context.on("console", self._note_console)
        context.on("weberror", self._note_error)

    def wait(self, text: str, times: int = 1) -> None:
        """Wait for complaints that hold `text`, and forget them as what a test expects.

        The browser's word comes after the answer it is about, at times much later.
        """
        for _ in range(PATIENCE_MS // _PAUSE_MS):
            if sum(text in complaint for complaint in self._complaints) >= times:
                break
            self._page.wait_for_timeout(_PAUSE_MS)
        else:
            pytest.fail(f"No {text!r} among {self._complaints}.", pytrace=False)
        self._complaints = [complaint for complaint in self._complaints if text not in complaint]

    def take(self) -> list[str]:
        """Hand over and forget what nobody waited for; the test of a page fails on it."""
        taken, self._complaints = self._complaints, []
        return taken

    def _note_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in _WITHOUT_A_HOST and not _is_here(url.hostname or ""):
            self._complaints.append(f"asked {request.url}")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complaints.append(f"console: {message.text} ({message.location['url']})")

    def _note_error(self, error: WebError) -> None:
        self._complaints.append(f"script: {error.error}")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
