"""A person runs a backtest from a form and reads what came of it, its curve and its report."""

from playwright.sync_api import Page, expect

from browser.chromium import PHONE
from browser.people import sign_in
from browser.site import Site
from browser.test_charts_in_browser import OVERHANG, inked
from made_research import NIFTY, hold, run_backtests
from munshi.domain.roles import Role

STYLED = "(page) => getComputedStyle(page).maxWidth"


def test_a_backtest_is_run_and_its_curve_orders_and_report_are_shown(tab: Page, site: Site) -> None:
    for day in (17, 18):
        hold(site.desk, f"2026-11-{day} 09:15", count=375)
    sign_in(tab, site, Role.OPERATOR, at="/ui/research")
    tab.get_by_role("button", name="Run a backtest").click()
    tab.get_by_label("Strategy").fill("opening_range")
    tab.get_by_role("button", name="Go on").click()
    tab.get_by_label("Instrument").fill(NIFTY)
    tab.get_by_label("From").fill("2026-11-17")
    tab.get_by_label("To", exact=True).fill("2026-11-18")
    tab.get_by_role("button", name="Run it").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("backtest")

    run_backtests(site.desk)
    tab.get_by_role("button", name="See what came of it").click()

    curve = tab.locator("figure[data-drawn]")
    expect(curve).to_have_count(1)
    assert inked(curve.locator("canvas")) > 20
    expect(tab.locator("#warnings")).to_contain_text("nobody can buy")
    tab.get_by_text("The whole report").click()
    report = tab.frame_locator("iframe.report")
    expect(report.get_by_role("heading", level=1)).to_contain_text("opening_range on NSE:NIFTY 50")
    assert report.locator("body").evaluate(STYLED) != "none"
    tab.set_viewport_size(PHONE)
    assert tab.evaluate(OVERHANG) == 0
    tab.get_by_role("link", name="Its orders on the candles").click()
    expect(tab.locator("#candles")).to_have_attribute("data-drawn", "1minute")
