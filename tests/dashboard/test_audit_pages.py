"""The audit trail on pages: searched, one row, and verified by a job whose result is shown."""

import re

from crowd import House
from dashboard.forms import HTML, post
from desks import TESTER
from munshi.domain.jobs import AUDIT_VERIFICATION, JobState


def test_it_is_searched_and_leads_to_each_row_and_to_the_whole_history(inhabited: House) -> None:
    vera, config = inhabited.browser("vera"), inhabited.desk.services.config
    post(inhabited.browser("omar"), "/ui/configuration/jobs/keep_days", version=0, value="45")

    found = vera.get("/ui/audit?entity_type=config&user_id=omar", headers=HTML).text
    numbers = re.findall(r'href="/ui/audit/(\d+)"', found)
    row = vera.get(f"/ui/audit/{numbers[0]}", headers=HTML).text
    request = re.search(r'href="(/ui/audit\?request_id=\w+)"', row)
    assert request

    assert config.value("jobs", "keep_days") == 45
    assert len(numbers) == 1
    assert "<ins>45</ins>" in row
    assert "entity_id=jobs%2Fkeep_days" in row.replace("&#43;", "+")
    assert f'href="/ui/audit/{numbers[0]}"' in vera.get(request[1], headers=HTML).text


def test_a_page_leads_to_older_rows_without_losing_what_was_asked(inhabited: House) -> None:
    vera, config = inhabited.browser("vera"), inhabited.desk.services.config
    for days in range(60, 115):
        config.set("jobs", "keep_days", days, actor=TESTER)

    first = vera.get("/ui/audit?entity_type=config&entity_id=jobs/keep_days", headers=HTML).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = vera.get(older[1].replace("&amp;", "&"), headers=HTML).text

    rows = [*re.findall(r'href="/ui/audit/(\d+)"', first + second)]
    assert len(rows) == len(set(rows)) == 55


def test_verifying_is_a_job_and_its_result_stands_on_the_page_of_seals(inhabited: House) -> None:
    omar, services = inhabited.browser("omar"), inhabited.desk.services
    services.ledger.seal()

    assert "Yes, verify it now" in omar.get("/ui/audit/verify", headers=HTML).text
    asked = post(omar, "/ui/audit/verify")
    worker = services.worker()
    worker.run_until_idle()

    job_id = asked.headers["location"].removeprefix("/ui/jobs/").partition("?")[0]
    job = services.jobs.get(job_id)
    assert (job.job_type, job.state) == (AUDIT_VERIFICATION, JobState.SUCCEEDED)
    assert job.result_data is not None
    assert job.result_data["is_sound"] is True
    assert "all is as it was sealed" in omar.get("/ui/audit/seal", headers=HTML).text
    vera = inhabited.browser("vera")
    assert "Verify now" not in vera.get("/ui/audit/seal", headers=HTML).text
    assert post(vera, "/ui/audit/verify").status == 403
