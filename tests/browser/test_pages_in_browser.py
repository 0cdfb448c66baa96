"""What a person sees of Munshi before there is a dashboard."""

from playwright.sync_api import Page, expect

from browser.chromium import DESKTOP, PHONE, Watch
from browser.site import Elsewhere, Site
from munshi.domain.enums import Service

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_the_root_leads_to_a_page_with_the_mode_at_the_top(tab: Page, site: Site) -> None:
    tab.goto(site.url)

    expect(tab).to_have_url(f"{site.url}/ui/")
    mode = tab.get_by_text("Simulated brokers")
    expect(mode).to_be_in_viewport()
    assert (mode.bounding_box() or {"y": -1})["y"] == 0


def test_the_front_page_leads_to_the_description_of_the_api(tab: Page, site: Site) -> None:
    tab.goto(f"{site.url}/ui/")

    tab.get_by_role("link", name="API").click()

    expect(tab).to_have_url(f"{site.url}/docs")
    expect(tab.get_by_text("Calls are made from a terminal")).to_be_in_viewport()
    # The page is all there only with the description, which it asks for last.
    expect(tab.locator("#swagger-ui .opblock").first).to_be_visible()


def test_the_description_of_the_api_lists_every_call_and_offers_none(tab: Page, site: Site) -> None:
    tab.goto(f"{site.url}/docs")

    calls = tab.locator("#swagger-ui .opblock")
    described = site.terminal.get(f"{site.url}/openapi.json").json()["paths"]
    expect(calls).to_have_count(sum(len(methods) for methods in described.values()))
    assert (calls.first.bounding_box() or {"width": 0})["width"] > 0.9 * DESKTOP["width"]
    calls.filter(has_text="/auth/db/cleanup").click()
    expect(tab.get_by_role("heading", name="Responses")).to_be_visible()
    expect(tab.get_by_role("button", name="Try it out")).to_have_count(0)
    tab.set_viewport_size(PHONE)
    assert tab.evaluate(OVERHANG) == 0


def test_pages_fit_a_phone(tab: Page, site: Site) -> None:
    tab.set_viewport_size(PHONE)
    pages = [f"{site.url}/ui/", f"{site.url}/ui/login/done?service=kite"]
    logins = [site.status(service)["login_link"] for service in Service]

    overhangs = []
    for address in pages + logins:
        tab.goto(address)
        expect(tab.get_by_role("heading")).to_be_visible()
        overhangs.append(tab.evaluate(OVERHANG))

    assert overhangs == [0] * 4


def test_a_request_to_another_machine_is_stopped_and_noticed(
    tab: Page, watch: Watch, elsewhere: Elsewhere
) -> None:
    elsewhere.html = '<img src="http://192.0.2.1/x.png"><img src="https://example.com/x.png">'

    tab.goto(elsewhere.url("127.0.0.1"), wait_until="networkidle")

    watch.wait("asked http://192.0.2.1/")
    watch.wait("asked https://example.com/")
    watch.wait("ERR_NAME_NOT_RESOLVED", 2)


def test_a_page_that_breaks_its_policy_or_its_script_is_noticed(
    tab: Page, watch: Watch, elsewhere: Elsewhere
) -> None:
    elsewhere.html = (
        '<meta http-equiv="Content-Security-Policy" content="style-src \'none\'">'
        "<p style='color:red'>red</p><script>nowhere()</script>"
    )

    tab.goto(elsewhere.url("127.0.0.1"))

    watch.wait("Content Security Policy")
    watch.wait("nowhere is not defined")
