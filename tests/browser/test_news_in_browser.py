"""Alerts and jobs appear on the pages they concern, without loading them again."""

from playwright.sync_api import Page, expect

from browser.people import sign_in
from browser.site import Site
from desks import TESTER
from munshi.domain.alerts import Severity
from munshi.domain.jobs import DATA_QUALITY
from munshi.domain.roles import Role


def test_an_alert_fires_and_ends_and_a_job_runs_before_the_eyes(tab: Page, site: Site) -> None:
    services, clock = site.desk.services, site.desk.clock
    sign_in(tab, site, Role.OPERATOR, at="/ui/alerts")
    expect(tab.locator("#live")).to_contain_text("Nothing is wrong")

    with services.database.transaction() as tx:
        tx.alerts.raise_alert(
            "one", kind="one", severity=Severity.CRITICAL, title="One broke.", now=clock.now()
        )
    expect(tab.locator("#live")).to_contain_text("One broke.")
    expect(tab.get_by_role("button", name="Acknowledge")).to_be_visible()
    with services.database.transaction() as tx:
        tx.alerts.resolve_alert("one", now=clock.now())
    expect(tab.locator("#live")).to_contain_text("Nothing is wrong")

    tab.goto(f"{site.url}/ui/data/quality")
    job = services.jobs.enqueue(DATA_QUALITY, {}, actor=TESTER)
    expect(tab.locator(f"#run-{job.job_id}")).to_contain_text("queued")
    services.worker().run_until_idle()
    expect(tab.locator("#at-work")).to_contain_text("Ended")
    expect(tab.locator(f"#run-{job.job_id}")).to_have_count(0)
