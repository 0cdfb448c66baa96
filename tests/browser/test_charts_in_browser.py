"""Charts are really drawn, keep the policy of pages, and follow the theme."""

import re

from playwright.sync_api import Locator, Page, expect

from browser.chromium import PHONE
from browser.people import sign_in
from browser.site import Site
from desks import TESTER
from munshi.domain.jobs import HEALTH_SWEEP
from munshi.domain.roles import Role

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NARROW = re.compile(r"^3\d\d$")
# Axes, grid and words are grey; what is drawn of data has a colour.
COLOURED = """(canvas) => {
    const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let at = 0; at < dots.length; at += 4) {
        const [red, green, blue] = dots.slice(at, at + 3);
        if (Math.max(red, green, blue) - Math.min(red, green, blue) > 60) found += 1;
    }
    return found;
}"""


def inked(canvas: Locator) -> int:
    """How many dots of a canvas are data."""
    found: int = canvas.evaluate(COLOURED)
    return found


def test_jobs_and_health_are_drawn_over_time(tab: Page, site: Site) -> None:
    for _ in range(3):
        site.desk.services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER)
        site.desk.services.worker().run_until_idle()
    sign_in(tab, site, Role.VIEWER, at="/ui/job-pace")

    charts = tab.locator("figure[data-drawn]")
    expect(charts).to_have_count(3)
    assert min(inked(each.locator("canvas")) for each in charts.all()) > 20
    tab.get_by_text("In numbers").click()
    expect(tab.locator("tbody tr").first).to_be_visible()
    tab.get_by_role("button", name="Dark or light").click()
    tab.set_viewport_size(PHONE)
    expect(charts.first).to_have_attribute("data-drawn", NARROW)
    assert tab.evaluate(OVERHANG) == 0

    tab.goto(f"{site.url}/ui/health/database")
    expect(charts.first).to_be_visible()
    assert inked(charts.first.locator("canvas")) > 20
