"""What is at work on a page's matter, and the signs by which open pages learn of alerts."""

from datetime import timedelta

import pytest

from asgi import Caller
from clocks import FakeClock
from desks import TESTER, Desk
from munshi.dashboard.at_work import MATTERS
from munshi.domain.alerts import Severity
from munshi.domain.jobs import DATA_QUALITY, JobState
from munshi.infrastructure.database.engine import Database

PAGES = {
    "/ui/data": "data",
    "/ui/data/quality": "data",
    "/ui/research": "research",
    "/ui/research/sweeps": "research",
    "/ui/research/validations": "research",
    "/ui/audit/seal": "audit",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_one_stream_of_its_own_matter(local: Caller, path: str) -> None:
    text = local.get(path).text

    assert text.count("hx-sse:connect") == 1
    assert f'"/ui/live/work/{PAGES[path]}?seen=' in text


def test_jobs_of_the_matter_are_shown_while_they_are_at_work_and_a_while_after(
    desk: Desk, local: Caller
) -> None:
    job = desk.services.jobs.enqueue(DATA_QUALITY, {}, actor=TESTER)
    asked = {matter: _part(local, matter) for matter in MATTERS}
    desk.services.worker().run_until_idle()
    after = _part(local, "data")
    desk.clock.advance(timedelta(minutes=20))
    later = _part(local, "data")

    assert {matter: str(job.job_id) in text for matter, text in asked.items()} == {
        "data": True,
        "research": False,
        "audit": False,
    }
    assert "queued" in asked["data"]
    assert desk.services.jobs.get(job.job_id).state is JobState.SUCCEEDED
    assert "Ended" in after
    assert str(job.job_id) in after
    assert str(job.job_id) not in later
    assert local.get("/ui/live/work/nothing").status == 404


def _part(local: Caller, matter: str) -> str:
    page = next(path for path, found in PAGES.items() if found == matter)
    return local.get(page).text.partition('id="live"')[2].partition("</section>")[0]


def test_an_alert_that_is_raised_fires_or_ends_is_a_sign(
    database: Database, clock: FakeClock
) -> None:
    signs = []

    def note() -> None:
        with database.reading() as tx:
            signs.append(tx.changes.get_signs())

    note()
    for lasts, act in ((60, "raise"), (61, "raise"), (0, "end")):
        clock.advance(timedelta(seconds=lasts))
        with database.transaction() as tx:
            if act == "end":
                tx.alerts.resolve_alert("one", now=clock.now())
            else:
                rule = tx.alerts.get_rule("worker_gone")  # pending for a minute first
                tx.alerts.see(rule, "one", severity=Severity.WARNING, title="One.", now=clock.now())
        note()

    assert len(set(signs[:3])) == 3
    assert signs[3] != signs[2]


def test_a_job_that_ran_between_two_looks_is_a_sign_of_change(desk: Desk) -> None:
    desk.services.jobs.enqueue(DATA_QUALITY, {}, actor=TESTER)
    before = desk.services.job_watch.signs()

    desk.services.worker().run_until_idle()

    assert desk.services.job_watch.signs() != before
