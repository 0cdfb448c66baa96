"""The brief of the morning and the summary of the evening: what they say, and that each is once."""

from datetime import timedelta

from desks import TESTER, Desk
from munshi.domain.briefs import (
    BriefKind,
    DaySummary,
    Market,
    Readiness,
    evening_body,
    morning_body,
)
from munshi.domain.enums import Service
from munshi.domain.jobs import MORNING_BRIEF, JobState
from munshi.domain.readiness import Verdict
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES


def test_the_brief_is_the_verdict_and_each_thing_that_is_missing() -> None:
    verdict = Verdict(is_ready=False, line="Not ready. Missing: a, b.", missing=("a", "b"))
    found = Readiness(market=Market(), verdict=verdict, planned=[], alerts=[])

    assert found.headline == "Not ready. Missing: a, b."
    assert morning_body(found) == "No trading today.\nIn the way: a\nIn the way: b"


def test_the_evening_counts_what_did_not_go_well() -> None:
    day = DaySummary(
        market=Market(),
        jobs={"succeeded": 90, "dead": 1, "failed": 2},
        missed={"kite_login": 2},
        gaps=["NSE:NIFTY 50 1minute lacks bars on 1 day."],
        fired=3,
        alerts=[],
    )

    assert day.headline == (
        "The day: 3 jobs did not go well; 1 schedules were missed; 1 series lack bars"
    )
    assert "Jobs: 1 dead, 2 failed, 90 succeeded." in evening_body(day)
    assert "Missed: kite_login, 2 times" in evening_body(day)


def test_briefs_are_there_and_rest_until_they_are_asked_for() -> None:
    found = {each.name: each.document["enabled"] for each in SEEDED_SCHEDULES}

    assert (found["morning_brief"], found["evening_summary"]) == (False, False)


def test_a_desk_tells_each_channel_once_a_day_how_it_stands(desk: Desk) -> None:
    """It is 10:00 IST on a trading day; no worker runs, then one does its work."""
    services = desk.services
    services.config.seed()
    services.alert_channels.add("phone", "json://127.0.0.1:9/", actor=TESTER)
    before = services.briefs.readiness()
    desk.log_in(Service.KITE)
    job = services.jobs.enqueue(MORNING_BRIEF, {}, actor=TESTER)
    services.worker().run_until_idle()
    again = services.briefs.tell(BriefKind.MORNING)
    evening = services.briefs.tell(BriefKind.EVENING)
    desk.clock.advance(timedelta(days=1))
    tomorrow = services.briefs.tell(BriefKind.MORNING)

    assert "the Kite sign-in" in before.headline
    assert "a worker that runs jobs" in before.headline
    assert before.market.said == "The market trades from 09:15 to 15:30."
    assert services.jobs.get(job.job_id).state is JobState.SUCCEEDED
    assert [again[1], evening[1], tomorrow[1]] == [0, 1, 1]
    assert "the Kite sign-in" in tomorrow[0]
    assert len(services.alerts.list_messages()) == 3
