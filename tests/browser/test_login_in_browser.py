"""A person logs in at the simulated brokers with a browser, as they would at the real ones."""

import pyotp
import pytest
from playwright.sync_api import Page, expect

from browser.site import Site
from munshi.domain.enums import Service
from munshi.infrastructure.brokers.simulator.parts import RedirectMode
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER, KITE_USER, SimulatedUser

USERS = {Service.KITE: KITE_USER, Service.BREEZE: BREEZE_USER}
SUBMIT = {Service.KITE: "Sign in", Service.BREEZE: "Log in"}


def _open_login(tab: Page, site: Site, service: Service) -> None:
    """Follow the link that the status shows; it leads to the broker's page."""
    tab.goto(site.status(service)["login_link"])
    tab.wait_for_url(f"{site.desk.simulator.url}/**")
    expect(tab.get_by_label("Password")).to_be_visible()


def _submit(tab: Page, site: Site, service: Service, *, password: str = "", code: str = "") -> None:
    """Type what the person knows, and what their authenticator shows now."""
    user = USERS[service]
    tab.get_by_label("User ID").fill(user.user_id)
    tab.get_by_label("Password").fill(password or user.password)
    tab.get_by_label("One-time code").fill(code or _authenticator(user).at(site.desk.clock.now()))
    tab.get_by_role("button", name=SUBMIT[service]).click()


def _authenticator(user: SimulatedUser) -> pyotp.TOTP:
    return pyotp.TOTP(user.totp_seed)


def _expect_done(tab: Page, site: Site, service: Service) -> None:
    """The last page says so, and its address holds nothing that opens anything."""
    tab.wait_for_url(f"{site.url}/ui/login/done?service={service}")
    expect(tab.get_by_role("heading")).to_have_text(f"{service.title()} login received")
    status = site.status(service)
    assert status["authenticated"] is True
    assert status["user"]["id"] == USERS[service].user_id


def test_a_person_logs_in_at_kite_and_consents_the_first_time(tab: Page, site: Site) -> None:
    _open_login(tab, site, Service.KITE)
    expect(tab.locator("body")).to_contain_text("SIMULATED")

    _submit(tab, site, Service.KITE)
    tab.get_by_role("button", name="Authorise").click()

    _expect_done(tab, site, Service.KITE)


def test_kite_remembers_the_person_and_the_consent(tab: Page, site: Site) -> None:
    _open_login(tab, site, Service.KITE)
    _submit(tab, site, Service.KITE)
    tab.get_by_role("button", name="Authorise").click()
    _expect_done(tab, site, Service.KITE)
    site.terminal.post(f"{site.url}/auth/db/disconnect/kite").raise_for_status()

    tab.goto(site.status(Service.KITE)["login_link"])

    _expect_done(tab, site, Service.KITE)


@pytest.mark.parametrize("redirect", RedirectMode)
def test_a_person_logs_in_at_breeze(tab: Page, site: Site, redirect: RedirectMode) -> None:
    site.desk.simulator.parts.redirects.breeze_mode = redirect
    _open_login(tab, site, Service.BREEZE)
    expect(tab.locator("body")).to_contain_text("SIMULATED")

    _submit(tab, site, Service.BREEZE)

    _expect_done(tab, site, Service.BREEZE)


@pytest.mark.parametrize("service", Service)
def test_a_wrong_password_is_said_in_plain_words(tab: Page, site: Site, service: Service) -> None:
    _open_login(tab, site, service)

    _submit(tab, site, service, password="not-the-password")

    expect(tab.get_by_role("alert")).to_contain_text("Password", ignore_case=True)
    assert site.status(service)["authenticated"] is False


@pytest.mark.parametrize("service", Service)
def test_a_wrong_code_is_said_in_plain_words_and_can_be_mended(
    tab: Page, site: Site, service: Service
) -> None:
    site.desk.simulator.authorise_kite_app()
    stale = _authenticator(USERS[service]).at(site.desk.clock.now(), counter_offset=-10)
    _open_login(tab, site, service)

    _submit(tab, site, service, code=stale)
    expect(tab.get_by_role("alert")).to_contain_text("one-time code")
    _submit(tab, site, service)

    _expect_done(tab, site, service)
