"""What belongs to a job, over HTTP: its log, its parts, its files; and what people do to it."""

import hashlib
from uuid import UUID

import pytest

from apis import slug
from asgi import Caller
from desks import Desk
from jobs.stories import PAGE, Storyteller
from munshi.api.answers import utc_text


@pytest.fixture
def stories(desk: Desk) -> Storyteller:
    return Storyteller(
        database=desk.services.database,
        clock=desk.clock,
        home=desk.services.settings.home,
    )


def test_a_log_is_read_in_pages_that_join(api: Caller, stories: Storyteller) -> None:
    job_id = stories.told("tell", "3")

    first = api.get(f"/jobs/{job_id}/log?limit=2").json()
    second = api.get(f"/jobs/{job_id}/log?after={first['next_after']}").json()
    third = api.get(f"/jobs/{job_id}/log?after={second['next_after']}").json()

    events = [line["event"] for page in (first, second, third) for line in page["lines"]]
    assert events == ["Line 1.", "Line 2.", "Line 3.", "Nearly through."]
    assert first["next_after"] == "1:2"
    assert first["lines"][0]["fields"] == {"number": 1}
    assert (second["lines"][-1]["level"], second["lines"][-1]["line"]) == ("warning", 4)
    assert (third["lines"], third["next_after"]) == ([], "1:4")


@pytest.mark.parametrize("after", ["", "1", "1:", "a:b", "1:2:3", "-1:2", "1:99999999999", "٣:1"])
def test_a_place_that_is_none_is_refused(api: Caller, stories: Storyteller, after: str) -> None:
    answer = api.get(f"/jobs/{stories.ask('tell', '1')}/log?after={after}")

    assert (answer.status, slug(answer)) == (422, "request-invalid")


def test_a_files_content_comes_as_it_was_kept_and_is_only_saved(
    api: Caller, stories: Storyteller
) -> None:
    job_id = stories.told("tell", "1")

    odd, report = api.get(f"/jobs/{job_id}/artifacts").json()["artifacts"]
    content = api.get(report["href"])

    assert (odd["name"], report["name"]) == ("odd.bin", "report.html")
    assert report["sha256"] == hashlib.sha256(PAGE).hexdigest()
    assert report["size"] == len(PAGE)
    assert content.body == PAGE
    assert content.headers["content-type"].startswith("text/html")
    assert content.headers["content-disposition"] == 'attachment; filename="report.html"'
    assert content.headers["x-content-type-options"] == "nosniff"
    assert api.get(odd["href"]).headers["content-type"] == "application/octet-stream"


def test_a_file_that_was_changed_is_not_handed_out(api: Caller, stories: Storyteller) -> None:
    job_id = stories.told("tell", "1")
    (kept,) = (stories.home / "artifacts" / str(job_id)).glob("*-report.html")
    kept.write_bytes(b"<p>Something else.</p>")

    answer = api.get(f"/jobs/{job_id}/artifacts/report.html")

    assert (answer.status, slug(answer)) == (422, "job-artifact-invalid")


def test_a_parent_and_its_parts_know_each_other(api: Caller, stories: Storyteller) -> None:
    parent = stories.told("share", "abc")

    parts = api.get(f"/jobs/{parent}/children").json()["jobs"]
    listed = api.get(f"/jobs?parent={parent}").json()["jobs"]

    assert [part["result"]["text"] for part in parts] == ["a", "b", "c"]
    assert {part["parent_id"] for part in parts} == {str(parent)}
    assert {part["job_id"] for part in listed} == {part["job_id"] for part in parts}
    assert api.get(f"/jobs/status/{parent}").json()["result"] == {"parts": 3}


def test_jobs_are_found_by_what_they_said_and_when(
    api: Caller, stories: Storyteller, desk: Desk
) -> None:
    early = stories.told("refuse", "magic")
    desk.clock.sleep(1)
    begin = utc_text(desk.clock.now())
    late = stories.told("refuse", "miracles")

    def found(query: str) -> list[str]:
        return [job["job_id"] for job in api.get(f"/jobs?{query}").json()["jobs"]]

    assert found("state=failed") == [str(late), str(early)]
    assert found("said=miracles") == [str(late)]
    assert found(f"since={begin}") == [str(late)]
    assert found(f"until={begin}") == [str(early)]
    assert found("queue=elsewhere") == found("schedule=never") == []


def test_a_job_shows_what_happened_to_its_attempts(api: Caller, stories: Storyteller) -> None:
    job = api.get(f"/jobs/status/{stories.told('refuse', 'magic')}").json()

    assert (job["queue"], job["concurrency_key"], job["schedule_name"]) == ("default", None, None)
    assert (job["errors"], job["crashes"], job["parent_id"]) == (1, 0, None)
    assert (job["progress_rate"], job["eta"]) == (None, None)
    assert "magic" in job["error"]
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["error"]


def test_a_failed_job_is_queued_again_or_discarded(api: Caller, stories: Storyteller) -> None:
    job_id = stories.told("refuse", "magic")

    retried = api.post(f"/jobs/{job_id}/retry").json()
    live = api.post(f"/jobs/{job_id}/discard")
    api.post(f"/jobs/{job_id}/cancel")
    gone = api.post(f"/jobs/{job_id}/discard").json()

    assert (retried["state"], retried["errors"], retried["error"]) == ("queued", 0, None)
    assert (live.status, slug(live)) == (409, "job-state-conflict")
    assert gone == {"job_id": str(job_id), "discarded": True}
    assert slug(api.get(f"/jobs/status/{job_id}")) == "job-unknown"
    actions = [e["action"] for e in api.get(f"/audit/entity/job/{job_id}").json()["entries"]]
    assert actions[:3] == ["discard", "cancel", "retry"]


@pytest.mark.parametrize("job_id", [UUID(int=7), "not-a-job"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/{}/log"),
        ("GET", "/jobs/{}/children"),
        ("GET", "/jobs/{}/artifacts"),
        ("GET", "/jobs/{}/artifacts/x"),
        ("GET", "/jobs/{}/events"),
        ("POST", "/jobs/{}/retry"),
        ("POST", "/jobs/{}/discard"),
    ],
)
def test_what_belongs_to_no_job_is_not_found(
    api: Caller, job_id: UUID | str, method: str, path: str
) -> None:
    answer = api.ask(method, path.format(job_id))

    assert (answer.status, slug(answer)) == (404, "job-unknown")


def test_a_job_is_asked_for_with_its_queue_and_for_a_time(api: Caller, desk: Desk) -> None:
    api.post("/config/jobs/queue.slow", json_body={"value": {"limit": 1}})
    body = {
        "job_type": "auto_login",
        "parameters": {"service": "kite"},
        "queue": "slow",
        "concurrency_key": "kite",
        "idempotency_key": "login-of-the-day",
        "unique_for_seconds": 3600,
    }

    first = api.post("/jobs", json_body=body).json()
    api.post(f"/jobs/{first['job_id']}/cancel")
    same = api.post("/jobs", json_body=body).json()
    desk.clock.sleep(3601)
    later = api.post("/jobs", json_body=body).json()

    assert (first["queue"], first["concurrency_key"]) == ("slow", "kite")
    assert same["job_id"] == first["job_id"]
    assert later["job_id"] != first["job_id"]
    unknown = api.post("/jobs", json_body={**body, "queue": "swift"})
    assert (unknown.status, slug(unknown)) == (404, "queue-unknown")
