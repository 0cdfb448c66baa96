"""Pages of market data: the map, a chart's bars with their gaps, quality, and a collection."""

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from asgi import Caller
from crowd import House
from dashboard.forms import post
from desks import Desk
from made_research import NIFTY, hold
from munshi.dashboard.mending_acts import mend_address
from munshi.domain.enums import Service
from munshi.domain.jobs import DATA_COLLECTION, DATA_QUALITY, DATA_VERIFICATION, JobState

HTML = {"accept": "text/html", "sec-fetch-site": "same-origin"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
ASKED = {
    "broker": "kite",
    "instruments": "NIFTY",
    "interval": "5minute",
    "from": "2026-11-16",
    "to": "2026-11-19",
    "underlying": "",
    "strikes": "",
}


def _chart(interval: str, **more: str) -> str:
    return f"/ui/data/candles?{urlencode({'instrument': NIFTY, 'interval': interval, **more})}"


def test_the_map_tells_how_much_of_each_month_is_held(desk: Desk, local: Caller) -> None:
    hold(desk, "2026-11-02 09:15", count=375)
    hold(desk, "2026-11-03 09:15", count=300)

    text = local.get("/ui/data").text
    nothing = local.get("/ui/data?text=RELIANCE").text
    before = local.get("/ui/data?until=2026-10").text

    # Fourteen whole sessions and a part of today's have been until 20 Nov 2026, 10:30 IST.
    found = re.search(
        r'<td class="cell c1"><a [^>]*title="202611: 675 of ([\d,]+) bars">(\d+)', text
    )
    assert found is not None, text
    assert int(found[1].replace(",", "")) in range(4500, 5700)
    assert found[2] == str(100 * 675 // int(found[1].replace(",", "")))
    assert "Nothing that is held fits." in nothing
    assert 'class="cell c' not in before.partition("<table")[2]


def test_a_chart_has_gaps_where_bars_are_missing_and_says_simulated(
    desk: Desk, local: Caller
) -> None:
    hold(desk, "2026-11-17 09:15", count=60)
    hold(desk, "2026-11-17 10:20", count=310)

    page = local.get(_chart("1minute")).text
    answer = local.get(_chart("1minute").replace("candles?", "candles.json?")).json()

    gaps = [bar[0] for bar in answer["bars"] if len(bar) == 1]
    assert "Simulated prices." in page
    assert "2026-11-17" in page.partition("Bars are missing on")[2]
    assert (len(answer["bars"]), len(gaps)) == (375, 5)
    assert datetime.fromtimestamp(gaps[0], UTC) == datetime(2026, 11, 17, 4, 45, tzinfo=UTC)
    assert answer["bars"][0][1:] == [21_727.75, 21_728.7, 21_726.75, 21_727.8, 75]
    assert answer["isStored"]


def test_much_is_shown_in_longer_bars_and_little_in_those_stored(desk: Desk, local: Caller) -> None:
    for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12):
        hold(desk, f"2026-06-{day:02d} 09:15", count=375)
    hold(desk, "2026-11-17 09:15", count=375)
    address = _chart("1minute").replace("candles?", "candles.json?")

    whole = local.get(f"{address}&from=2026-06-01&to=2026-11-19").json()
    close = local.get(f"{address}&from=2026-06-02&to=2026-06-02").json()

    assert (whole["interval"], whole["isStored"]) == ("30minute", False)
    assert len(whole["bars"]) < 2000
    assert sum(len(bar) > 1 for bar in whole["bars"]) == 11 * 13
    assert (close["interval"], len(close["bars"])) == ("1minute", 375)


def test_signals_are_marked_or_it_is_said_why_not(desk: Desk, local: Caller) -> None:
    hold(desk, "2026-11-17 09:15", count=70, step=5)

    answer = local.get(_chart("5minute").replace("candles?", "candles.json?") + "&signals=yes")

    assert answer.status == 200
    assert answer.json()["trouble"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ui/data?until=never", 422),
        ("/ui/data?skip=-1", 422),
        ("/ui/data/candles", 404),
        (_chart("1minute"), 404),
        (_chart("7minute"), 422),
        (_chart("1minute", run="x"), 404),
        (_chart("1minute", **{"from": "yesterday"}), 422),
    ],
)
def test_bad_input_has_a_page_with_a_way_on(local: Caller, path: str, status: int) -> None:
    answer = local.get(path, headers={"accept": "text/html"})

    assert answer.status == status, answer.text
    assert 'href="/ui/data"' in answer.text


def test_a_collection_is_planned_then_begun_and_named_by_who_did(inhabited: House) -> None:
    desk, omar, vera = inhabited.desk, inhabited.browser("omar"), inhabited.browser("vera")
    desk.log_in(Service.KITE)

    planned = omar.get(f"/ui/data/collect?{urlencode({**ASKED, 'plan': 'yes'})}", headers=HTML)
    wrong = omar.get(
        f"/ui/data/collect?{urlencode({**ASKED, 'plan': 'yes', 'interval': '7minute'})}",
        headers=HTML,
    )
    refused = vera.post("/ui/data/collect", body=urlencode(ASKED).encode(), headers=FORM)
    begun = omar.post("/ui/data/collect", body=urlencode(ASKED).encode(), headers=FORM)
    unknown = omar.post(
        "/ui/data/collect",
        body=urlencode({**ASKED, "instruments": "NSE:NOBODY"}).encode(),
        headers=FORM,
    )

    assert "1 request: 1 to Kite." in planned.text
    assert "will finish today" in planned.text
    assert (wrong.status, refused.status, unknown.status) == (422, 403, 404)
    assert "There is no bar interval" in wrong.text
    assert 'value="2026-11-16"' in wrong.text
    assert "NSE:NOBODY</textarea>" in unknown.text
    assert begun.status == 303
    [job] = desk.services.jobs.recent(10, job_type=DATA_COLLECTION).jobs
    assert begun.headers["location"] == f"/ui/jobs/{job.job_id}?done=run"
    assert job.created_by == "omar"
    desk.services.worker().run_until_idle()
    assert desk.services.jobs.get(job.job_id).state is JobState.SUCCEEDED
    assert "5minute" in omar.get("/ui/data", headers=HTML).text


def test_quality_is_judged_when_asked_and_told_worst_first(inhabited: House) -> None:
    desk, omar = inhabited.desk, inhabited.browser("omar")
    hold(desk, "2026-11-17 09:15", count=60)

    before = omar.get("/ui/data/quality", headers=HTML).text
    omar.post("/ui/data/quality", headers=FORM)
    desk.services.worker().run_until_idle()
    after = omar.get("/ui/data/quality", headers=HTML).text

    assert "Nobody has judged it yet." in before
    assert desk.services.jobs.recent(1, job_type=DATA_QUALITY).jobs[0].state is JobState.SUCCEEDED
    assert "bars are missing in 1 series" in after
    assert "munshi data collect" in after


def _mends(text: str) -> list[str]:
    return [
        unescape(found)
        for found in re.findall(r'href="(/ui/data/(?:collect|repair)\?[^"]+)"', text)
    ]


def test_missing_bars_have_the_button_that_mends_them_with_what_it_takes(inhabited: House) -> None:
    desk, omar, vera = inhabited.desk, inhabited.browser("omar"), inhabited.browser("vera")
    desk.log_in(Service.KITE)
    hold(desk, "2026-11-17 09:15", count=60)
    omar.post("/ui/data/quality", headers=FORM)
    desk.services.worker().run_until_idle()

    mends = _mends(omar.get("/ui/data/quality", headers=HTML).text)
    assert mends
    asked = dict(parse_qsl(urlsplit(mends[0]).query))
    planned = omar.get(mends[0], headers=HTML)
    begun = omar.post("/ui/data/collect", body=urlencode(asked).encode(), headers=FORM)
    desk.services.worker().run_until_idle()

    assert (asked["instruments"], asked["from"], asked["to"]) == (
        NIFTY,
        "2026-11-17",
        "2026-11-17",
    )
    assert "1 request: 1 to Kite." in planned.text
    job = desk.services.jobs.get(begun.headers["location"].split("/")[-1].partition("?")[0])
    assert (job.state, job.created_by) == (JobState.SUCCEEDED, "omar")
    omar.post("/ui/data/quality", headers=FORM)
    desk.services.worker().run_until_idle()
    assert mends[0] not in _mends(omar.get("/ui/data/quality", headers=HTML).text)
    assert _mends(vera.get("/ui/data/quality", headers=HTML).text) == []
    assert vera.get(mends[0], headers=HTML).status == 403


def test_files_are_repaired_after_a_question_by_operators(inhabited: House) -> None:
    desk, omar, vera = inhabited.desk, inhabited.browser("omar"), inhabited.browser("vera")
    path = f"/ui/data/repair?{urlencode({'instrument': NIFTY})}"

    asked = omar.get(path, headers=HTML)
    begun = post(omar, "/ui/data/repair", instrument=NIFTY)
    [job] = desk.services.jobs.recent(10, job_type=DATA_VERIFICATION).jobs

    assert "Yes, repair them" in asked.text
    assert begun.headers["location"] == f"/ui/jobs/{job.job_id}?done=run"
    assert job.parameters == {"instruments": [NIFTY], "repair": True}
    assert post(vera, "/ui/data/repair", instrument=NIFTY).status == 403
    wrong = post(omar, "/ui/data/repair", instrument="<script>alert(1)")
    assert wrong.status == 422
    assert "<script>alert" not in wrong.text


@pytest.mark.parametrize(
    ("source", "reason", "path"),
    [
        ("kite", "partial", "/ui/data/collect"),
        ("breeze-replay", "", "/ui/data/collect"),
        ("kite", "file_damaged", "/ui/data/repair"),
        ("kite", "not_yet_traded", ""),
        ("import", "not_imported", ""),
    ],
)
def test_only_what_a_broker_serves_can_be_mended_from_a_page(
    source: str, reason: str, path: str
) -> None:
    found = mend_address(
        source=source,
        instrument=NIFTY,
        interval="1minute",
        first="2026-11-17",
        last="2026-11-18",
        reason=reason,
    )

    assert found.partition("?")[0] == path
