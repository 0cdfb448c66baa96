"""`GET /data/quality` and `GET /data/compare`: the newest report, and two sources."""

from datetime import date

import pytest

from apis import slug
from asgi import Caller
from desks import Desk
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import DATA_QUALITY
from munshi.domain.market.intervals import Interval

ASKED = {"instrument": "NIFTY", "interval": "5minute"}


@pytest.fixture
def held(desk: Desk) -> Desk:
    """Four days of Kite's, three of Breeze's."""
    desk.log_in_everywhere()
    for broker, first in ((Service.KITE, 16), (Service.BREEZE, 17)):
        desk.services.collection.collect(
            CollectionParams(
                broker=broker,
                instruments=("NSE:NIFTY 50",),
                interval=Interval.FIVE_MINUTES,
                start=date(2026, 11, first),
                end=date(2026, 11, 19),
            ),
            progress=lambda *_: None,
        )
    return desk


def query(**given: str) -> str:
    return "&".join(f"{name}={value}" for name, value in given.items())


def test_before_the_first_report_it_is_said_how_to_begin_one(api: Caller) -> None:
    answer = api.get("/data/quality")

    assert (answer.status, slug(answer)) == (404, "quality-report-unknown")
    assert "data_quality" in answer.json()["hint"]


def test_the_newest_report_is_answered_with_where_its_page_is(held: Desk, api: Caller) -> None:
    asked = api.post("/jobs", json_body={"job_type": DATA_QUALITY, "parameters": {}}).json()
    held.services.worker().run_until_idle()

    report = api.get("/data/quality").json()

    assert report["job_id"] == asked["job_id"]
    assert report["summary"]["is_clean"]
    assert [(one["source"], one["expected"], one["present"]) for one in report["series"]] == [
        ("breeze", 225, 225),
        ("kite", 300, 300),
    ]
    page = api.get(report["page"])
    assert page.headers["content-type"].startswith("text/html")
    assert b"NSE:NIFTY 50 5minute kite" in page.body


@pytest.mark.usefixtures("held")
def test_two_sources_are_compared(api: Caller) -> None:
    whole = api.get(f"/data/compare?{query(**ASKED)}").json()
    longer = api.get(
        f"/data/compare?{query(**ASKED, first='kite', second='breeze')}&from=2026-11-16"
    ).json()

    assert (whole["is_alike"], whole["from"], whole["bars_in_both"]) == (True, "2026-11-17", 225)
    assert (longer["bars_only_in_first"], longer["bars_only_in_second"]) == (75, 0)
    assert [day["day"] for day in longer["worst_days"]] == ["2026-11-16"]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    ("more", "status", "problem"),
    [
        ("first=kite&second=import", 404, "instrument-unknown"),
        ("first=kite&second=kite", 422, "request-invalid"),
        ("from=2026-11-19&to=2026-11-17", 422, "date-range-invalid"),
        ("price_tolerance_percent=-1", 422, "request-invalid"),
    ],
)
def test_bad_input_is_one_clear_problem(api: Caller, more: str, status: int, problem: str) -> None:
    answer = api.get(f"/data/compare?{query(**ASKED)}&{more}")

    assert (answer.status, slug(answer)) == (status, problem)


@pytest.mark.parametrize(
    "parameters",
    [
        {"instruments": "NIFTY"},
        {"interval": "7minute"},
        {"from": "2026-11-19", "to": "2026-11-17"},
        {"days": 3},
    ],
)
def test_a_report_on_nonsense_is_not_begun(
    desk: Desk, api: Caller, parameters: dict[str, object]
) -> None:
    answer = api.post("/jobs", json_body={"job_type": DATA_QUALITY, "parameters": parameters})

    assert (answer.status, slug(answer)) == (422, "job-parameters-invalid")
    assert desk.services.jobs.recent(5).jobs == ()
