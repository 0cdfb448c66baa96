"""A person sees when schedules start, runs one now and pauses it."""

from playwright.sync_api import Page, expect

from browser.chromium import Watch
from browser.people import sign_in
from browser.site import Site
from desks import TESTER
from munshi.domain.roles import Role

SWEEP = {
    "job_type": "health_sweep",
    "parameters": {},
    "trigger": {"kind": "times", "times": ["08:30"], "weekdays_only": True},
    "enabled": True,
}


def test_a_schedule_is_run_now_and_paused(tab: Page, site: Site) -> None:
    site.desk.services.schedules.set("morning_look", SWEEP, actor=TESTER)
    sign_in(tab, site, Role.OPERATOR, at="/ui/schedules")
    row = tab.locator("#schedule-morning_look")
    expect(row.locator("time")).to_have_count(5)
    expect(row).to_contain_text("Monday to Friday")

    row.get_by_role("button", name="Run now").click()
    tab.get_by_role("button", name="Yes, run it").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("health_sweep")
    tab.goto(f"{site.url}/ui/schedules")
    expect(row.locator(".dot.running")).to_have_count(1)
    worker = site.desk.services.worker()
    worker.run_until_idle()
    expect(row.locator(".dot.done")).to_have_count(1)

    row.get_by_role("button", name="Pause").click()
    tab.get_by_role("button", name="Yes, pause it").click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("paused")
    tab.goto(f"{site.url}/ui/")
    tab.get_by_text("In words").click()
    expect(tab.locator("#day")).to_contain_text("morning_look")


def test_a_schedule_is_edited_and_its_next_runs_are_seen_to_change(
    tab: Page, site: Site, watch: Watch
) -> None:
    site.desk.services.schedules.set("morning_look", SWEEP, actor=TESTER)
    sign_in(tab, site, Role.OPERATOR, at="/ui/schedules/morning_look")

    tab.get_by_role("button", name="Edit").click()
    expect(tab.get_by_label("Cron expression")).to_be_hidden()
    tab.get_by_label("When it is due").select_option("By a cron expression")
    expect(tab.get_by_label("Times of day", exact=False).first).to_be_hidden()
    tab.get_by_label("Cron expression").fill("10 9 * *")
    tab.get_by_role("button", name="Show when it would run").click()
    expect(tab.locator("#wrong-expression")).to_contain_text("4 fields instead of five")
    watch.wait("422")
    tab.get_by_label("Cron expression").fill("10 9 * * *")
    tab.get_by_role("button", name="Show when it would run").click()
    expect(tab.locator("#next time")).to_have_count(5)
    expect(tab.locator("#next time").first).to_contain_text("09:10:00 IST")
    tab.get_by_role("button", name="Yes, save it").click()

    expect(tab.get_by_role("status").first).to_contain_text("Saved")
    expect(tab.locator("dl")).to_contain_text("09:10:00 IST")
