"""What pages of other sites, and redirects nobody awaits, get from Munshi in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from browser.chromium import Watch
from browser.site import Elsewhere, Site
from munshi.domain.enums import Service

# Another site, and the same site on another port.
FOREIGN_HOSTS = ["127.0.0.1", "localhost"]


@pytest.mark.parametrize(
    "callback",
    [
        "/auth/kite/callback?request_token=swordfish&action=login&status=success",
        "/auth/breeze/callback?apisession=swordfish",
    ],
)
def test_a_redirect_that_nobody_awaits_is_refused_on_a_page(
    tab: Page, watch: Watch, site: Site, callback: str
) -> None:
    answer = tab.goto(f"{site.url}{callback}")

    assert answer is not None
    assert answer.status == 403
    expect(tab.get_by_role("heading")).to_contain_text("No login is waiting")
    expect(tab.locator("main")).to_contain_text("munshi login")
    expect(tab.locator("main")).not_to_contain_text("swordfish")
    watch.wait("403")


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_form_of_another_site_changes_nothing(
    tab: Page, watch: Watch, site: Site, elsewhere: Elsewhere, host: str
) -> None:
    site.desk.log_in(Service.KITE)
    target = f"{site.url}/auth/db/disconnect/kite"
    elsewhere.html = f'<form method="post" action="{target}"><button>Win</button></form>'
    tab.goto(elsewhere.url(host))

    with tab.expect_navigation() as arrived:
        tab.get_by_role("button", name="Win").click()

    assert arrived.value.status == 403
    assert arrived.value.json()["type"] == "/problems/origin-foreign"
    assert site.status(Service.KITE)["authenticated"] is True
    watch.wait("403")


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_script_of_another_site_learns_and_changes_nothing(
    tab: Page, watch: Watch, site: Site, elsewhere: Elsewhere, host: str
) -> None:
    site.desk.log_in(Service.KITE)
    tab.goto(elsewhere.url(host))

    heard = tab.evaluate(
        """async (url) => {
            const tries = [
                fetch(`${url}/auth/db/status`),
                fetch(`${url}/auth/db/status`, {mode: "no-cors"}),
                fetch(`${url}/auth/db/disconnect/kite`, {method: "POST", mode: "no-cors"}),
            ];
            return (await Promise.allSettled(tries)).map((one) => one.status);
        }""",
        site.url,
    )

    assert heard == ["rejected"] * 3
    assert site.status(Service.KITE)["authenticated"] is True
    watch.wait("blocked by CORS policy")
    watch.wait("ERR_FAILED")
    watch.wait("ERR_BLOCKED_BY_RESPONSE.NotSameOrigin", 2)


def test_a_script_on_our_own_page_needs_a_signed_in_user(
    tab: Page, watch: Watch, site: Site
) -> None:
    site.desk.log_in(Service.KITE)
    tab.goto(f"{site.url}/ui/")

    status = tab.evaluate(
        "async () => (await fetch('/auth/db/disconnect/kite', {method: 'POST'})).status"
    )

    assert status == 401
    assert site.status(Service.KITE)["authenticated"] is True
    watch.wait("401")


def test_our_pages_show_in_no_frame_of_another_site(
    tab: Page, watch: Watch, site: Site, elsewhere: Elsewhere
) -> None:
    elsewhere.html = f'<iframe src="{site.url}/ui/"></iframe>'

    tab.goto(elsewhere.url("127.0.0.1"))

    expect(tab.frame_locator("iframe").get_by_role("heading")).to_have_count(0)
    watch.wait("frame-ancestors")
    watch.wait("403")
