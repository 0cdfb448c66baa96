"""A person follows jobs, stops one, tries one again, and meets what is no longer there."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.chromium import PHONE, Watch
from browser.people import sign_in
from browser.site import Site
from jobs.stories import STORYTELLER, Storyteller
from munshi.domain.jobs import JobState
from munshi.domain.roles import Role

OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def stories(site: Site) -> Storyteller:
    services = site.desk.services
    return Storyteller(
        database=services.database, clock=site.desk.clock, home=services.settings.home
    )


def test_a_running_job_is_followed_and_cancelled_without_loading_again(
    tab: Page, site: Site, stories: Storyteller
) -> None:
    job_id = stories.ask("act", "4")
    sign_in(tab, site, Role.OPERATOR, at="/ui/jobs")
    tab.get_by_role("link", name="act").click()
    tab.wait_for_url(f"{site.url}/ui/jobs/{job_id}")

    with stories.working():
        stories.cue.go.release()
        expect(tab.locator("#log")).to_contain_text("Turn 1.")
        expect(tab.locator("#progress")).to_contain_text("25.0 %")
        stories.cue.go.release()
        expect(tab.locator("#progress")).to_contain_text("50.0 %")
        expect(tab.locator("#message")).to_have_text("Turn 2 is done.")
        tab.get_by_role("button", name="Cancel").click()
        expect(tab.get_by_role("heading")).to_have_text("Cancel this job?")
        tab.get_by_role("button", name="Yes, cancel it").click()
        expect(tab.get_by_role("status").first).to_have_text("Cancelled.")
        expect(tab.locator(".state").first).to_have_text("cancelled")

    with site.desk.services.database.reading() as tx:
        decided = tx.audit.get_logs_by_entity("job", str(job_id))
    assert ("cancel", "omar") in {(entry.action, entry.user_id) for entry in decided}
    assert site.desk.services.jobs.get(job_id).state is JobState.CANCELLED


def test_jobs_are_filtered_by_an_address_and_discarded_after_a_preview(
    tab: Page, site: Site, stories: Storyteller
) -> None:
    for text in ("this", "that"):
        stories.told("refuse", text)
    stories.told("tell", "2")
    sign_in(tab, site, Role.OPERATOR, at="/ui/jobs")

    tab.get_by_text("Filter", exact=True).click()
    tab.get_by_label("failed").check()
    tab.get_by_label("Type").fill("refuse")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("tbody tr")).to_have_count(2)
    assert "state=failed" in tab.url
    tab.get_by_role("link", name="discard").click()
    expect(tab.get_by_role("heading")).to_have_text("Discard 2 jobs?")
    tab.get_by_role("button", name="Yes, discard all of them").click()

    expect(tab.get_by_text("No job fits.")).to_be_visible()
    tab.set_viewport_size(PHONE)
    tab.goto(f"{site.url}/ui/jobs")
    expect(tab.locator("tbody tr")).to_have_count(1)
    assert tab.evaluate(OVERHANG) == 0


def test_what_people_and_jobs_write_is_text_and_what_is_gone_has_a_way_on(
    tab: Page, site: Site, stories: Storyteller, watch: Watch
) -> None:
    job_id = stories.told("refuse", SCRIPT)
    sign_in(tab, site, Role.OPERATOR, at=f"/ui/jobs/{job_id}")

    expect(tab.locator("#error")).to_contain_text(SCRIPT)
    tab.goto(f"{site.url}/ui/jobs?said=%3Cscript%3E")
    expect(tab.get_by_label("Text in message or error")).to_have_value("<script>")
    expect(tab.locator("tbody")).to_contain_text("<script>alert(1)")
    tab.goto(f"{site.url}/ui/jobs/{job_id}")
    site.desk.services.jobs.discard(job_id, actor=STORYTELLER)
    expect(tab.get_by_text("This job has been deleted.")).to_be_visible()
    tab.reload()
    watch.wait("404")
    expect(tab.get_by_role("heading")).to_contain_text(re.compile("job", re.IGNORECASE))
    tab.get_by_role("button", name="See the jobs there are").click()
    tab.wait_for_url(f"{site.url}/ui/jobs")


def test_a_queue_is_paused_with_a_reason_and_a_viewer_can_only_look(tab: Page, site: Site) -> None:
    sign_in(tab, site, Role.OPERATOR, at="/ui/queues")
    tab.locator("summary", has_text="default").click()
    tab.locator("details", has_text="default").get_by_label("Why").fill(SCRIPT)
    tab.get_by_role("button", name="Pause default").click()
    row = tab.locator("#queue-default")
    expect(row).to_contain_text("paused by omar")
    expect(row).to_contain_text(SCRIPT)
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("open")

    tab.context.clear_cookies()
    sign_in(tab, site, Role.VIEWER, at="/ui/queues")
    expect(tab.get_by_text("Pause a queue")).to_have_count(0)
