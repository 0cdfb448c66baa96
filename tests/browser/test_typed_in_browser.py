"""What a person typed into a form is not lost when the form is refused."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from browser.chromium import Watch
from browser.people import NAMES, sign_in
from browser.site import Site
from crowd import OWNER, PASSWORD
from jobs.waiting import until
from munshi.api import gate
from munshi.domain.roles import Role

SILENCE = "/ui/alerts/silences/new"
KEPT = "sessionStorage.getItem('typed')"


def _end_every_session(site: Site) -> None:
    people = site.desk.services.people
    for session in people.sessions.list_sessions():
        people.sessions.revoke(session.session_id, actor=OWNER)


def _sign_in_again(tab: Page, name: str) -> None:
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()


def _silence(tab: Page) -> None:
    tab.get_by_label("Alerts", exact=False).first.fill("data_gap:*")
    tab.get_by_label("Why").fill("NSE is late & <b>slow</b>")
    tab.get_by_role("button", name="Silence them").click()


def test_a_form_sent_after_the_session_ended_comes_back_with_what_was_typed(
    tab: Page, site: Site, watch: Watch
) -> None:
    sign_in(tab, site, Role.OPERATOR, at=SILENCE)
    _end_every_session(site)
    _silence(tab)
    watch.wait("401")
    assert site.desk.services.alerts.list_silences() == []

    tab.get_by_role("button", name="Sign in again").click()
    _sign_in_again(tab, NAMES[Role.OPERATOR])
    expect(tab.locator("#typed-again")).to_be_visible()
    expect(tab.get_by_label("Why")).to_have_value("NSE is late & <b>slow</b>")
    assert tab.evaluate(KEPT) is None
    tab.get_by_role("button", name="Silence them").click()

    expect(tab.locator("main")).to_contain_text("NSE is late & <b>slow</b>")
    [made] = site.desk.services.alerts.list_silences()
    assert (made.pattern, made.created_by) == ("data_gap:*", NAMES[Role.OPERATOR])


def test_what_is_half_typed_when_the_page_says_that_the_session_ended_is_there_afterwards(
    tab: Page, site: Site, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "STILL_GOOD_SECONDS", 0.2)
    sign_in(tab, site, Role.OPERATOR, at="/ui/queues")
    box = tab.locator("main details").filter(has_text="Pause default")
    box.locator("summary").click()
    reason = box.get_by_label("Why (people will read it)")
    reason.fill("A broker is")
    until(lambda: site.feed.readers == 1)
    _end_every_session(site)
    expect(tab.locator("#signed-out")).to_be_visible()
    watch.wait("401")

    tab.locator("#signed-out").get_by_role("link").click()
    _sign_in_again(tab, NAMES[Role.OPERATOR])

    expect(reason).to_be_visible()
    expect(reason).to_have_value("A broker is")


def test_nobody_else_gets_what_one_person_typed(tab: Page, site: Site, watch: Watch) -> None:
    sign_in(tab, site, Role.OPERATOR, at=SILENCE)
    site.desk.services.people.users.add("olga", Role.OPERATOR, password=PASSWORD, actor=OWNER)
    _end_every_session(site)
    _silence(tab)
    watch.wait("401")

    tab.get_by_role("button", name="Sign in again").click()
    _sign_in_again(tab, "olga")

    expect(tab.get_by_label("Why")).to_have_value("")
    expect(tab.locator("#typed-again")).to_be_hidden()
    assert tab.evaluate(KEPT) is None


def test_a_form_that_asks_for_the_password_again_keeps_all_but_secrets(
    tab: Page, site: Site
) -> None:
    sign_in(tab, site, Role.ADMIN, at="/ui/alerts/channels/new")
    tab.get_by_label("Name").fill("phone")
    tab.get_by_label("Address").fill("json://desk:hush@127.0.0.1:9/")
    tab.get_by_label("Told from").select_option("critical")
    site.desk.clock.advance(timedelta(minutes=20))
    tab.get_by_role("button", name="Add it").click()

    assert "hush" not in tab.evaluate(KEPT)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Go on").click()

    expect(tab.get_by_label("Name")).to_have_value("phone")
    expect(tab.get_by_label("Told from")).to_have_value("critical")
    expect(tab.get_by_label("Address")).to_have_value("")
    expect(tab.locator("#typed-again")).to_contain_text("type them again")
