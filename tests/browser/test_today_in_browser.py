"""Today, as somebody sees it at 08:50 and all day long."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from browser.chromium import PHONE, Watch
from browser.people import NAMES, sign_in
from browser.site import Site
from crowd import OWNER, PASSWORD
from munshi.api import gate
from munshi.domain.enums import Service
from munshi.domain.roles import Role

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", {configurable: true, value: hidden});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def _until_readers(site: Site, wanted: int) -> None:
    for _ in range(500):
        if site.feed.readers == wanted:
            return
        time.sleep(0.02)
    pytest.fail(f"{site.feed.readers} streams are open, not {wanted}.")


def test_a_sign_in_shows_without_loading_the_page_again(tab: Page, site: Site) -> None:
    site.desk.clock.set(datetime(2026, 11, 20, 3, 20, tzinfo=UTC))  # 08:50 IST
    sign_in(tab, site, Role.OPERATOR)
    verdict = tab.locator("#verdict")
    expect(verdict).to_contain_text("Not ready for the open on Fri 20 Nov, 09:15 IST.")
    expect(verdict).to_contain_text("the Kite sign-in")
    named = tab.title()
    assert named.endswith("missing · Munshi")
    expect(tab.locator("#market")).to_contain_text("Opens 20 Nov 09:15:00 IST")

    site.desk.log_in(Service.KITE)

    kite = tab.locator("#broker-kite")
    expect(kite).to_contain_text("Signed in as Simulated Trader (SIM123)")
    expect(kite.locator("time")).to_have_text("21 Nov 06:00:00 IST")
    expect(kite.locator("time")).to_have_attribute("title", "21 Nov 2026 00:30:00 UTC")
    expect(kite.locator(".countdown")).to_have_text("21 h 9 min left")
    expect(verdict).not_to_contain_text("the Kite sign-in")
    assert tab.title() != named
    tab.get_by_role("button", name="Sign in at Breeze").click()
    tab.wait_for_url(f"{site.desk.simulator.url}/**")
    expect(tab.get_by_label("Password")).to_be_visible()


def test_a_page_fits_a_phone_and_holds_one_stream_while_it_is_seen(tab: Page, site: Site) -> None:
    sign_in(tab, site, Role.VIEWER)
    _until_readers(site, 1)
    tab.goto(f"{site.url}/ui/?again=1")
    tab.set_viewport_size(PHONE)

    assert tab.evaluate(OVERHANG) == 0
    expect(tab.get_by_role("button", name="Sign in at")).to_have_count(0)
    tab.evaluate(HIDE, arg=True)
    _until_readers(site, 0)
    tab.evaluate(HIDE, arg=False)
    _until_readers(site, 1)


def test_whose_session_ends_is_told_on_the_open_page_and_led_back(
    tab: Page, site: Site, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "STILL_GOOD_SECONDS", 0.2)
    sign_in(tab, site, Role.VIEWER)
    _until_readers(site, 1)

    people = site.desk.services.people
    for session in people.sessions.list_sessions():
        people.sessions.revoke(session.session_id, actor=OWNER)
    expect(tab.locator("#signed-out")).to_be_visible()
    watch.wait("401")
    tab.locator("#signed-out").get_by_role("link").click()

    tab.wait_for_url(f"{site.url}/ui/sign-in?wanted=%2Fui%2F")


def _until_noted(site: Site) -> None:
    """Until the one session that there is was used as of now."""
    sessions = site.desk.services.people.sessions
    for _ in range(500):
        if [each.last_activity for each in sessions.list_sessions()] == [site.desk.clock.now()]:
            return
        time.sleep(0.02)
    pytest.fail("The page that is seen does not count as use.")


def test_a_seen_page_keeps_its_session_to_its_absolute_end_and_a_hidden_one_does_not(
    tab: Page, site: Site, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "STILL_GOOD_SECONDS", 0.1)
    sessions, clock = site.desk.services.people.sessions, site.desk.clock
    sign_in(tab, site, Role.VIEWER)
    _until_readers(site, 1)
    for _ in range(3):  # the idle limit is an hour
        clock.advance(timedelta(minutes=50))
        _until_noted(site)

    tab.evaluate(HIDE, arg=True)
    _until_readers(site, 0)
    clock.advance(timedelta(minutes=61))
    assert sessions.list_sessions() == []
    tab.evaluate(HIDE, arg=False)
    expect(tab.locator("#signed-out")).to_be_visible()
    watch.wait("401")

    tab.locator("#signed-out").get_by_role("link").click()
    tab.get_by_label("Name", exact=True).fill(NAMES[Role.VIEWER])
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(f"{site.url}/ui/")
    _until_readers(site, 1)
    clock.advance(timedelta(days=1))
    expect(tab.locator("#signed-out")).to_be_visible()
    watch.wait("401")


def test_today_can_be_read_without_scripts(tab: Page, site: Site) -> None:
    sign_in(tab, site, Role.OPERATOR)
    browser = tab.context.browser
    assert browser is not None
    context = browser.new_context(
        java_script_enabled=False, storage_state=tab.context.storage_state()
    )
    try:
        plain = context.new_page()
        plain.goto(f"{site.url}/ui/")

        expect(plain.locator("#verdict")).to_contain_text("missing")
        expect(plain.get_by_text(f"{NAMES[Role.OPERATOR]}, operator")).to_be_visible()
    finally:
        context.close()
