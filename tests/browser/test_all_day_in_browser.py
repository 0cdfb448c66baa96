"""A day with pages open: two tabs, a keyboard and no mouse, a worker that is killed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.chromium import Watch
from browser.people import sign_in
from browser.site import Site
from desks import TESTER
from jobs.handlers import REGISTRY
from jobs.waiting import until
from jobs.worker_process import begin, make_worker, worker_process
from munshi.api import gate
from munshi.domain.jobs import HEALTH_SWEEP, JobState
from munshi.domain.roles import Role
from munshi.jobs.service import JobService

LEASE_SECONDS = 2.0
RING = """() => {
    const style = getComputedStyle(document.activeElement);
    return `${style.outlineStyle} ${style.boxShadow}`;
}"""


def test_two_tabs_are_both_kept_fresh_and_a_sign_out_shows_in_the_other(
    tab: Page, site: Site, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "STILL_GOOD_SECONDS", 0.2)
    jobs = site.desk.services.jobs
    job = jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER)
    sign_in(tab, site, Role.OPERATOR, at=f"/ui/jobs/{job.job_id}")
    other = tab.context.new_page()
    try:
        other.goto(f"{site.url}/ui/jobs")
        row = other.locator(f"#job-{job.job_id}")
        expect(row.locator(".state")).to_have_text("queued")
        until(lambda: site.feed.readers == 2)

        tab.get_by_role("button", name="Cancel").click()
        tab.get_by_role("button", name="Yes, cancel it").click()
        expect(row.locator(".state")).to_have_text("cancelled")
        tab.get_by_role("button", name="Sign out").click()

        expect(other.locator("#signed-out")).to_be_visible()
        watch.wait("401")
    finally:
        other.close()


def test_the_keyboard_alone_reaches_an_act_and_does_it(tab: Page, site: Site) -> None:
    job = site.desk.services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER)
    sign_in(tab, site, Role.OPERATOR, at=f"/ui/jobs/{job.job_id}")

    def press_until(name: str) -> None:
        for _ in range(40):
            tab.keyboard.press("Tab")
            if name in tab.evaluate("document.activeElement.textContent"):
                return
        pytest.fail(f"No Tab leads to {name!r}.")

    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    press_until("Cancel")
    assert tab.evaluate(RING) != "none none"
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Cancel this job?")
    press_until("Yes, cancel it")
    tab.keyboard.press("Enter")

    expect(tab.get_by_role("status").first).to_have_text("Cancelled.")
    assert site.desk.services.jobs.get(job.job_id).state is JobState.CANCELLED


def test_a_worker_that_is_killed_is_seen_and_its_job_is_taken_up_again(
    tab: Page, site: Site, tmp_path: Path
) -> None:
    site.desk.clock.set(datetime.now(UTC))
    services, url = site.desk.services, site.desk.services.settings.database_url
    jobs = JobService(services.database, site.desk.clock, registry=REGISTRY)
    job = jobs.enqueue("hang", {"text": str(tmp_path)}, actor=TESTER)
    sign_in(tab, site, Role.OPERATOR, at=f"/ui/jobs/{job.job_id}")

    with worker_process(url.get_secret_value(), lease_seconds=LEASE_SECONDS) as process:
        begin(process)
        expect(tab.locator(".state").first).to_have_text("running")
        until((tmp_path / "started-1").exists)
        process.kill()

    site.desk.clock.advance(timedelta(seconds=90))
    beside = tab.context.new_page()
    try:
        beside.goto(f"{site.url}/ui/queues")
        expect(beside.locator(".state.dead")).to_have_text("silent")
    finally:
        beside.close()
    worker = make_worker(services.database, lease_seconds=LEASE_SECONDS)
    until(lambda: worker.run_until_idle() > 0)

    expect(tab.locator(".state").first).to_have_text("succeeded")
    expect(tab.locator("tbody tr")).to_have_count(2)
    expect(tab.locator("tbody")).to_contain_text("lease_expired")
