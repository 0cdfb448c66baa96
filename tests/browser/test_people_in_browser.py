"""A person makes the first administrator with the printed link and signs in, in a real browser."""

from playwright.sync_api import Page, expect

from browser.chromium import Watch
from browser.site import Elsewhere, Site
from crowd import OWNER, PASSWORD, hash_cheaply
from munshi.domain.roles import Role


def _set_up(tab: Page, site: Site) -> None:
    hash_cheaply(site.desk.services.config)
    token = site.desk.services.people.passwords.first_link(actor=OWNER)
    tab.goto(f"{site.url}/ui/setup?token={token}")
    tab.get_by_label("Your name here").fill("asha")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_label("The same again").fill(PASSWORD)
    tab.get_by_role("button", name="Store the password").click()
    tab.wait_for_url(f"{site.url}/ui/sign-in**")
    expect(tab.get_by_text("Your password is stored.")).to_be_visible()
    tab.goto(f"{site.url}/ui/sign-in")


def _sign_in(tab: Page, password: str = PASSWORD) -> None:
    tab.get_by_label("Name", exact=True).fill("asha")
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()


def test_from_the_printed_link_to_the_first_page(tab: Page, site: Site) -> None:
    _set_up(tab, site)

    _sign_in(tab)

    tab.wait_for_url(f"{site.url}/ui/")
    expect(tab.get_by_text("asha, admin")).to_be_visible()
    cookie = tab.context.cookies()[0]
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("munshi", True, "Lax")
    assert tab.evaluate("document.cookie") == ""


def test_a_page_of_ours_may_ask_what_the_role_allows(tab: Page, site: Site) -> None:
    _set_up(tab, site)
    _sign_in(tab)
    tab.wait_for_url(f"{site.url}/ui/")

    found = tab.evaluate("async () => (await fetch('/users')).json()")
    done = tab.evaluate("async () => (await fetch('/jobs/cleanup', {method: 'POST'})).status")

    assert [user["username"] for user in found["users"]] == ["asha"]
    assert done == 200


def test_signing_out_is_one_click(tab: Page, site: Site) -> None:
    _set_up(tab, site)
    _sign_in(tab)
    tab.wait_for_url(f"{site.url}/ui/")

    tab.get_by_role("button", name="Sign out").click()

    tab.wait_for_url(f"{site.url}/ui/sign-in")
    assert tab.context.cookies() == []
    assert site.desk.services.people.sessions.list_sessions() == []


def test_a_wrong_password_is_said_and_can_be_mended(tab: Page, site: Site, watch: Watch) -> None:
    _set_up(tab, site)

    _sign_in(tab, "not the password at all")
    expect(tab.get_by_role("alert")).to_contain_text("wrong")
    watch.wait("401")
    _sign_in(tab)

    tab.wait_for_url(f"{site.url}/ui/")


def test_a_signed_in_person_is_not_used_by_another_site(
    tab: Page, site: Site, elsewhere: Elsewhere, watch: Watch
) -> None:
    _set_up(tab, site)
    _sign_in(tab)
    tab.wait_for_url(f"{site.url}/ui/")
    site.desk.services.people.users.add("vera", Role.VIEWER, password=PASSWORD, actor=OWNER)
    elsewhere.html = (
        f'<form method="post" action="{site.url}/users/vera/remove"><button>Go</button></form>'
    )
    tab.goto(elsewhere.url("127.0.0.1"))

    with tab.expect_response("**/users/vera/remove") as answered:
        tab.get_by_role("button", name="Go").click()

    assert answered.value.status == 403
    watch.wait("403")
    assert site.desk.services.people.users.get("vera").is_active
