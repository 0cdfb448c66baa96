"""Every page, light, dark and on a phone: no grave fault for who sees badly, nothing sticks out."""

from playwright.sync_api import Page

from browser.axe import COLOURS, faults
from browser.chromium import DESKTOP, PHONE, Watch
from browser.living import fill, fill_the_rest, sign_in_elsewhere
from browser.people import NAMES, sign_in
from browser.shots import shoot
from browser.site import Elsewhere, Site
from browser.visits import REFUSALS, addresses
from munshi.domain.roles import Role

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_every_page_can_be_used_by_everybody_in_light_dark_and_on_a_phone(
    tab: Page, site: Site, watch: Watch
) -> None:
    made = {**fill_the_rest(site.desk), **fill(site.desk)}
    sign_in(tab, site, Role.ADMIN)
    made["session"] = sign_in_elsewhere(site.desk, NAMES[Role.ADMIN])
    wrong: dict[str, list[str]] = {}
    # Colours that are still on their way from light to dark are none of ours.
    tab.emulate_media(reduced_motion="reduce")

    try:
        for address in addresses(site.routes, made):
            answer = tab.goto(f"{site.url}{address}")
            assert answer is not None
            assert answer.headers["content-type"].startswith("text/html"), address
            assert answer.status == REFUSALS.get(address, 200), address
            found = []
            shoot(tab, address, "light")
            found += [f"light: {fault}" for fault in faults(tab)]
            tab.emulate_media(color_scheme="dark")
            shoot(tab, address, "dark")
            found += [f"dark: {fault}" for fault in faults(tab, COLOURS)]
            tab.emulate_media(color_scheme="light")
            tab.set_viewport_size(PHONE)
            shoot(tab, address, "phone")
            if sticks_out := tab.evaluate(OVERHANG):
                found.append(f"phone: {sticks_out} pixels stick out")
            tab.set_viewport_size(DESKTOP)
            complaints = watch.take()
            if address in REFUSALS:  # the browser says so
                complaints = [each for each in complaints if str(answer.status) not in each]
            wrong[address] = found + complaints
    finally:
        tab.emulate_media(color_scheme="null", reduced_motion="null")

    said = [f"{address}: {each}" for address, found in wrong.items() for each in found]
    assert said == [], "\n".join(said)


def test_what_some_cannot_see_is_noticed(tab: Page, elsewhere: Elsewhere) -> None:
    elsewhere.html = (
        '<main><h1>Here</h1><p style="color:#bbb;background:#fff">Faint words.</p>'
        '<img src="data:,"><button></button></main>'
    )
    tab.goto(elsewhere.url("127.0.0.1"))

    rules = {fault.partition(":")[0] for fault in faults(tab)}

    assert {"color-contrast", "image-alt", "button-name"} <= rules
    assert {fault.partition(":")[0] for fault in faults(tab, COLOURS)} == {"color-contrast"}
