"""The job `daily_collection`: the day's candles of what the configuration lists."""

from datetime import timedelta
from typing import Any

import pytest

from desks import TESTER, Desk
from munshi.domain.enums import Service
from munshi.domain.jobs import DAILY_COLLECTION, Job, JobState
from munshi.errors import ConfigValueInvalidError

WANTED: dict[str, Any] = {
    "broker": "kite",
    "instruments": ["NIFTY", "NSE:NIFTY BANK"],
    "interval": "5minute",
    "days": 3,
}


def run(desk: Desk) -> Job:
    job = desk.services.jobs.enqueue(DAILY_COLLECTION, {}, actor=TESTER)
    desk.services.worker().run_until_idle()
    return desk.services.jobs.get(job.job_id)


def configure(desk: Desk, **changes: object) -> None:
    value = {**WANTED, **changes}
    desk.services.config.set("market", "daily_collection", value, actor=TESTER)


def test_the_day_and_the_trading_days_before_it_are_collected_once(desk: Desk) -> None:
    desk.log_in(Service.KITE)
    configure(desk)

    first, second = run(desk), run(desk)

    assert (first.state, second.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    assert first.result_data is not None
    assert second.result_data is not None
    assert (first.result_data["from"], first.result_data["to"]) == ("2026-11-18", "2026-11-20")
    # Two whole days and what has closed of the third, for each of two instruments.
    assert first.result_data["rows_added"] == 2 * (75 + 75 + 15)
    assert (second.result_data["requests"], second.result_data["rows_added"]) == (0, 0)


def test_on_a_day_without_trading_the_last_days_are_filled_in(desk: Desk) -> None:
    desk.clock.advance(timedelta(days=1))
    desk.log_in(Service.KITE)
    configure(desk, days=1)

    job = run(desk)

    assert job.result_data is not None
    assert (job.result_data["from"], job.result_data["to"]) == ("2026-11-20", "2026-11-20")
    assert job.result_data["rows_added"] == 2 * 75


def test_without_a_login_it_waits_for_one(desk: Desk) -> None:
    configure(desk)

    job = run(desk)

    assert (job.state, job.waits_for_service) == (JobState.PAUSED, Service.KITE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instruments": []}, "must be a list of 1 to 500 instruments"),
        ({"instruments": ["SOMETHING"]}, "is not a well-known index"),
        ({"instruments": [5]}, "must name instruments, and has a number"),
        ({"broker": "zerodha"}, "must be one of kite, breeze"),
        ({"interval": "2minute"}, "must be one of 1minute"),
        ({"days": 0}, "must be from 1 to 250"),
    ],
)
def test_what_cannot_be_collected_is_refused_when_it_is_configured(
    desk: Desk, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigValueInvalidError, match=said):
        configure(desk, **change)
