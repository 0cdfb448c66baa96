"""A person starts a collection, watches it to its end, and looks at what it brought."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from browser.chromium import PHONE
from browser.people import sign_in
from browser.site import Site
from browser.test_charts_in_browser import OVERHANG, inked
from munshi.domain.enums import Service
from munshi.domain.jobs import JobState
from munshi.domain.roles import Role
from munshi.infrastructure.brokers.simulator.faults import FaultKind


@contextmanager
def working(site: Site) -> Iterator[None]:
    worker = site.desk.services.worker()
    worker.start()
    try:
        yield
    finally:
        worker.stop(grace=5)


def _begin(tab: Page, site: Site, *, instruments: str = "NIFTY") -> str:
    """Fill in the form, see the plan, begin; the job's id."""
    sign_in(tab, site, Role.OPERATOR, at="/ui/data")
    tab.get_by_role("link", name="Collect some").click()
    tab.get_by_label("Instruments").fill(instruments)
    tab.get_by_label("Bars of").select_option("5minute")
    tab.get_by_label("From").fill("2026-11-16")
    tab.get_by_label("To", exact=True).fill("2026-11-19")
    tab.get_by_role("button", name="See what it takes").click()
    expect(tab.locator("#plan")).to_contain_text("to Kite")
    expect(tab.locator("#plan")).to_contain_text("will finish")
    tab.get_by_role("button", name="Begin it").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("data_collection")
    return tab.url.rpartition("/")[2].partition("?")[0]


def test_a_collection_is_watched_to_its_end_and_its_candles_are_drawn(
    tab: Page, site: Site
) -> None:
    site.desk.log_in(Service.KITE)
    job_id = _begin(tab, site)
    expect(tab.locator(".state").first).to_have_text("queued")
    tab.evaluate("window.here = 'still'")

    with working(site):
        expect(tab.locator(".state").first).to_have_text("succeeded")

    expect(tab.locator("#progress")).to_contain_text("100.0 %")
    assert tab.evaluate("window.here") == "still"
    assert site.desk.services.jobs.get(job_id).state is JobState.SUCCEEDED
    tab.goto(f"{site.url}/ui/data")
    tab.get_by_role("link", name="NSE:NIFTY 50").click()
    chart = tab.locator("#candles")
    expect(chart).to_have_attribute("data-drawn", "5minute")
    expect(tab.locator("#candles-said")).to_contain_text("300 bars of 5minute")
    assert sum(inked(each) for each in chart.locator("canvas").all()) > 20
    expect(chart.locator("a")).to_have_count(0)
    tab.set_viewport_size(PHONE)
    assert tab.evaluate(OVERHANG) == 0


def test_a_running_collection_is_cancelled_from_its_page(tab: Page, site: Site) -> None:
    site.desk.log_in(Service.KITE)
    site.desk.simulator.fault(FaultKind.LATE, service="kite", seconds=2)
    job_id = _begin(tab, site, instruments="NIFTY, BANKNIFTY, FINNIFTY, SENSEX")

    with working(site):
        expect(tab.locator(".state").first).to_have_text("running")
        tab.get_by_role("button", name="Cancel").click()
        tab.get_by_role("button", name="Yes, cancel it").click()
        expect(tab.locator(".state").first).to_have_text("cancelled")

    assert site.desk.services.jobs.get(job_id).state is JobState.CANCELLED
