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
INKED = """(canvas) => canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data.filter((each) => each).length"""


def inked(canvas: Locator) -> int:
    """How much of a canvas was painted."""
    found: int = canvas.evaluate(INKED)
    return found


def test_jobs_and_health_are_drawn_over_time(tab: Page, site: Site) -> None:
    for _ in range(3):
        site.desk.services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER)
        site.desk.services.worker().run_until_idle()
    sign_in(tab, site, Role.VIEWER, at="/ui/job-pace")

    charts = tab.locator("figure[data-drawn]")
    expect(charts).to_have_count(3)
    assert min(inked(each.locator("canvas")) for each in charts.all()) > 1000
    tab.get_by_text("In numbers").click()
    expect(tab.locator("tbody tr").first).to_be_visible()
    tab.get_by_role("button", name="Dark or light").click()
    tab.set_viewport_size(PHONE)
    expect(charts.first).to_have_attribute("data-drawn", NARROW)
    assert tab.evaluate(OVERHANG) == 0

    tab.goto(f"{site.url}/ui/health/database")
    expect(charts.first).to_be_visible()
    assert inked(charts.first.locator("canvas")) > 1000
