"""Jobs on pages, asked without a browser: bad input has a page with a way on."""

from urllib.parse import urlencode

from asgi import Answer, Caller
from crowd import Browser, House
from desks import TESTER, Desk
from munshi.dashboard.look import document
from munshi.domain.jobs import HEALTH_SWEEP, JobState

HTML = {"accept": "text/html", "sec-fetch-site": "same-origin"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
NO_JOB = "00000000-0000-7000-8000-000000000000"


def _ask_for(desk: Desk) -> str:
    return str(desk.services.jobs.enqueue(HEALTH_SWEEP, {}, actor=TESTER).job_id)


def post(browser: Browser, target: str, **fields: object) -> Answer:
    return browser.post(target, body=urlencode(fields).encode(), headers=FORM)


def test_the_list_leads_to_each_job(desk: Desk, local: Caller) -> None:
    job_id = _ask_for(desk)

    text = local.get("/ui/jobs?state=queued&state=running").text

    assert f'href="/ui/jobs/{job_id}"' in text
    assert "1 queued" in text
    assert 'value="queued" checked' in text


BAD_INPUT = [
    (f"/ui/jobs/{NO_JOB}", 404, "/ui/jobs"),
    ("/ui/jobs/99999999999999999999", 404, "/ui/jobs"),
    (f"/ui/jobs/{NO_JOB}/cancel", 404, "/ui/jobs"),
    (f"/ui/jobs/{NO_JOB}/explode", 404, "/ui/jobs"),
    ("/ui/jobs?cursor=99999999999999999999999", 422, "/ui/jobs"),
    ("/ui/jobs?cursor=" + "9" * 400, 422, "/ui/jobs"),
    ("/ui/jobs?state=lost", 422, "/ui/jobs"),
    ("/ui/jobs?since=yesterday", 422, "/ui/jobs"),
    ("/ui/jobs?since=0001-01-01T00:00", 422, "/ui/jobs"),
    ("/ui/jobs?since=2026-11-20&until=2026-11-19", 422, "/ui/jobs"),
    ("/ui/jobs?said=" + "x" * 300, 422, "/ui/jobs"),
    ("/ui/jobs?said=a%0db", 422, "/ui/jobs"),
    ("/ui/jobs/all/cancel?state=succeeded", 422, "/ui/jobs"),
    ("/ui/queues/queue/nowhere/pause", 405, "/ui/queues"),
    ("/ui/schedules/nowhere", 404, "/ui/schedules"),
    ("/ui/schedules/kite_login/explode", 404, "/ui/schedules"),
    ("/ui/schedules/" + "x" * 300, 404, "/ui/schedules"),
]


def test_bad_input_has_a_page_with_a_way_on(local: Caller) -> None:
    for path, status, way_on in BAD_INPUT:
        answer = local.get(path, headers={"accept": "text/html"})

        assert answer.status == status, (path, answer.text)
        assert answer.headers["content-type"].startswith("text/html"), path
        assert f'href="{way_on}"' in answer.text, path
        assert 'href="/ui/"' in answer.text, path


def test_acts_ask_first_and_are_audited_with_the_persons_name(inhabited: House) -> None:
    job_id = _ask_for(inhabited.desk)
    omar = inhabited.browser("omar")

    asked = omar.get(f"/ui/jobs/{job_id}/cancel", headers=HTML)
    assert inhabited.desk.services.jobs.get(job_id).state is JobState.QUEUED
    cancelled = post(omar, f"/ui/jobs/{job_id}/cancel")
    again = post(omar, f"/ui/jobs/{job_id}/cancel")
    retried = post(omar, f"/ui/jobs/{job_id}/retry")
    grown = post(omar, "/ui/jobs/all/cancel?state=queued", at_most=0)
    post(omar, "/ui/jobs/all/cancel?state=queued", at_most=1)
    discarded = post(omar, f"/ui/jobs/{job_id}/discard")

    assert "Yes, cancel it" in asked.text
    assert cancelled.headers["location"] == f"/ui/jobs/{job_id}?done=cancel"
    assert again.status == 409
    assert retried.headers["location"] == f"/ui/jobs/{job_id}?done=retry"
    assert grown.status == 409
    assert "were shown" in grown.text
    assert discarded.headers["location"] == "/ui/jobs?done=discard"
    with inhabited.desk.services.database.reading() as tx:
        trail = tx.audit.get_logs_by_entity("job", job_id)
    assert [entry.user_id for entry in trail[:4]] == ["omar"] * 4


def test_a_job_that_ended_is_run_again_as_another_and_says_so_in_the_audit(
    inhabited: House,
) -> None:
    job_id, jobs = _ask_for(inhabited.desk), inhabited.desk.services.jobs
    omar, vera = inhabited.browser("omar"), inhabited.browser("vera")
    path = f"/ui/jobs/{job_id}/again"

    early = omar.get(path, headers=HTML)
    post(omar, f"/ui/jobs/{job_id}/cancel")
    page = omar.get(f"/ui/jobs/{job_id}", headers=HTML).text
    asked = omar.get(path, headers=HTML)
    done = post(omar, path)

    assert early.status == 409
    assert path in page
    assert f"/ui/audit?entity_type=job&amp;entity_id={job_id}" in page
    assert "Yes, run it again" in asked.text
    again = jobs.get(done.headers["location"].rpartition("/")[2].partition("?")[0])
    first = jobs.get(job_id)
    assert (again.state, first.state) == (JobState.QUEUED, JobState.CANCELLED)
    assert (again.job_type, again.parameters) == (first.job_type, first.parameters)
    assert again.created_by == "omar"
    assert post(vera, path).status == 403


def test_a_viewer_and_a_page_of_another_site_change_nothing(inhabited: House) -> None:
    job_id = _ask_for(inhabited.desk)
    vera, omar = inhabited.browser("vera"), inhabited.browser("omar")

    seen = vera.get(f"/ui/jobs/{job_id}", headers=HTML)
    refused = post(vera, f"/ui/jobs/{job_id}/cancel")
    foreign = omar.post(
        f"/ui/jobs/{job_id}/cancel", headers={**FORM, "sec-fetch-site": "cross-site"}
    )
    unsaid = omar.post(f"/ui/jobs/{job_id}/cancel", headers={**FORM, "sec-fetch-site": None})
    led = omar.get("/ui/brokers/kite/sign-in", headers={**HTML, "sec-fetch-site": "cross-site"})

    assert "Cancel" not in seen.text
    assert [each.status for each in (refused, foreign, unsaid, led)] == [403] * 4
    assert "This needs the role operator" in refused.text
    assert inhabited.desk.services.jobs.get(job_id).state is JobState.QUEUED


def test_what_is_named_like_a_secret_is_not_shown() -> None:
    shown = document({"api_secret": "swordfish", "deep": [{"totp_seed": "swordfish"}], "n": 1})

    assert "swordfish" not in shown
    assert '"n": 1' in shown
