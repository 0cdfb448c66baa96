"""A large collection in parts: one job to look at, whose end is told by the quotas."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from desks import TESTER, Desk
from munshi.domain.config_keys import MARKET, PART_REQUESTS
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.jobs import COLLECTION_PART, DATA_COLLECTION, Job, JobState, PauseKind
from munshi.domain.market.intervals import Interval
from munshi.domain.option_chains import OptionChain
from quotas import set_limit

TODAY = date(2026, 11, 20)
# Seven requests each.
ASKED = CollectionParams(
    broker=Service.BREEZE,
    instruments=("NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"),
    interval=Interval.ONE_MINUTE,
    start=date(2026, 11, 2),
    end=date(2026, 11, 19),
)


@pytest.fixture
def parted(desk: Desk) -> Desk:
    desk.services.config.set(MARKET, PART_REQUESTS, 14, actor=TESTER)
    return desk


def ask(desk: Desk, params: CollectionParams) -> Job:
    return desk.services.jobs.enqueue(DATA_COLLECTION, params.to_json(), actor=TESTER)


def work(desk: Desk, job: Job) -> Job:
    desk.services.worker().run_until_idle()
    return desk.services.jobs.get(job.job_id)


def result(job: Job) -> dict[str, Any]:
    assert job.result_data is not None, job.error_details
    return dict(job.result_data)


def calls(desk: Desk, service: Service = Service.BREEZE) -> int:
    asked = desk.simulator.arrivals(service=service)
    return sum("historical" in arrival.path for arrival in asked)


def pause_parts(desk: Desk) -> None:
    desk.services.queues.pause(PauseKind.JOB_TYPE, COLLECTION_PART, actor=TESTER)


def resume_parts(desk: Desk) -> None:
    desk.services.queues.resume(PauseKind.JOB_TYPE, COLLECTION_PART, actor=TESTER)


def test_parts_make_the_requests_that_were_planned_and_their_reports_are_one(parted: Desk) -> None:
    parted.log_in(Service.BREEZE)
    planned = parted.services.collection.plan(ASKED)

    whole = result(work(parted, ask(parted, ASKED)))

    assert (planned["parts"], planned["requests"]) == (2, 21)
    assert (whole["parts"], whole["requests"], whole["bars_missing"]) == (2, 21, 0)
    assert [part["instrument"] for part in whole["instruments"]] == list(ASKED.instruments)
    assert calls(parted) == 21
    again = result(work(parted, ask(parted, ASKED)))
    assert ("parts" in again, again["requests"], calls(parted)) == (False, 0, 21)


def test_while_it_waits_the_job_tells_the_end_that_the_quota_leaves(parted: Desk) -> None:
    """Nine of ten slots are for downloads; of today's 20 requests 16, before the market closes."""
    parted.log_in(Service.BREEZE)
    services = parted.services
    limit = [{"requests": 10, "seconds": 60, "daily": 20}]
    set_limit(services.database, parted.clock, "breeze.api", limit)
    parted.clock.advance(timedelta(seconds=1))
    pause_parts(parted)

    waiting = work(parted, ask(parted, ASKED))

    assert waiting.state is JobState.WAITING
    outlook = services.collection_outlook.of_job(waiting)
    assert outlook is not None
    assert outlook.requests == 21
    assert outlook.said == "will finish tomorrow 00:00, daily quota"
    assert services.collection.plan(ASKED)["outlook"] == outlook.said
    [queue] = [one for one in services.queues.board().queues if one.name == "collection"]
    assert (queue.limits.limit, queue.queued) == (2, 2)
    resume_parts(parted)
    services.jobs.cancel(waiting.job_id, actor=TESTER)
    assert work(parted, waiting).state is JobState.CANCELLED


def test_parts_without_a_login_wait_for_it_and_the_job_says_so(parted: Desk) -> None:
    waiting = work(parted, ask(parted, ASKED))

    outlook = parted.services.collection_outlook.of_job(waiting)
    assert waiting.state is JobState.WAITING
    assert outlook is not None
    assert (outlook.said, outlook.waits_for_login) == ("waits for a login at breeze", True)
    parted.log_in(Service.BREEZE)
    assert result(work(parted, waiting))["bars_missing"] == 0


def test_a_part_that_goes_on_counts_what_was_fetched_before(parted: Desk) -> None:
    parted.log_in(Service.BREEZE)
    part = replace(ASKED, instruments=("NSE:NIFTY 50",), planned=7)
    half = replace(part, end=date(2026, 11, 11))
    parted.services.collection.collect(half, progress=lambda *_: None)
    percents: list[float] = []

    parted.services.collection.collect(part, progress=lambda percent, _: percents.append(percent))

    assert percents[0] == pytest.approx(100 * 4 / 7)
    assert percents == sorted(percents)


def test_a_part_that_was_cancelled_fails_the_job_and_a_retry_asks_for_what_is_missing(
    parted: Desk,
) -> None:
    parted.log_in(Service.BREEZE)
    services = parted.services
    pause_parts(parted)
    job = work(parted, ask(parted, ASKED))
    services.jobs.cancel(services.jobs.children(job.job_id)[1].job_id, actor=TESTER)
    resume_parts(parted)

    failed = work(parted, job)

    assert failed.state is JobState.FAILED
    assert "1 of 2 parts did not end well; what was fetched is kept" in (failed.error_details or "")
    assert calls(parted) == 14
    parted.clock.advance(timedelta(seconds=1))
    services.jobs.retry(job.job_id, actor=TESTER)
    retried = work(parted, job)
    assert retried.state is JobState.SUCCEEDED
    assert calls(parted) == 21
    assert services.collection.plan(ASKED)["requests"] == 0


def test_a_chain_over_an_expiry_is_divided_by_expiries_and_brokers(parted: Desk) -> None:
    """What expired on the 17th comes from Breeze, what is listed today from Kite."""
    parted.log_in_everywhere()
    services = parted.services
    spot = replace(ASKED, broker=Service.KITE, instruments=("NSE:NIFTY 50",))
    services.collection.collect(
        replace(spot, interval=Interval.ONE_DAY, start=date(2026, 11, 12)),
        progress=lambda *_: None,
    )
    for service in Service:
        services.instruments.refresh(service, actor=TESTER)
    wanted = replace(
        spot,
        instruments=(),
        interval=Interval.FIVE_MINUTES,
        start=date(2026, 11, 16),
        end=TODAY,
        chain=OptionChain(underlying="NIFTY", strikes=2),
    )
    planned = services.collection.plan(wanted)
    before = {service: calls(parted, service) for service in Service}

    whole = result(work(parted, ask(parted, wanted)))

    made = {service: calls(parted, service) - before[service] for service in Service}
    assert made == {Service(name): count for name, count in planned["requests_by_broker"].items()}
    assert min(made.values()) > 0
    assert (whole["parts"], whole["bars_missing"]) == (planned["parts"], 0)
    assert services.collection.plan(wanted)["requests"] == 0
