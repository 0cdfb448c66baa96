"""Schedule documents: the short and the full form, the defaults, and what is refused."""

from typing import Any

import pytest

from munshi.domain.schedules import MissedPolicy, MissedRule, read_schedule
from munshi.domain.seeded_schedules import SEEDED_SCHEDULES
from munshi.domain.triggers import CronTrigger, TimesTrigger
from munshi.errors import ConfigValueInvalidError

SHORT: dict[str, Any] = {
    "job_type": "auto_login",
    "parameters": {"service": "breeze"},
    "times": ["05:30", "08:30"],
    "weekdays_only": True,
    "enabled": True,
}
FULL: dict[str, Any] = {
    "job_type": "echo",
    "parameters": {},
    "enabled": True,
    "trigger": {"kind": "cron", "expression": "0 4 1 * *"},
}


def test_the_short_form_of_old_databases_reads_as_times_of_day() -> None:
    schedule = read_schedule("breeze_login", SHORT)

    assert schedule.trigger == TimesTrigger(times=("05:30", "08:30"), weekdays_only=True)
    assert schedule.job_type == "auto_login"
    assert schedule.missed == MissedRule(policy=MissedPolicy.RUN_ONCE)


def test_what_is_left_out_is_as_usual() -> None:
    schedule = read_schedule("x", FULL)

    assert schedule.trigger == CronTrigger(expression="0 4 1 * *", zone="Asia/Kolkata")
    assert (schedule.grace_seconds, schedule.queue, schedule.priority) == (300, None, 0)
    assert (schedule.missed.most, schedule.missed.within_seconds) == (1, None)


@pytest.mark.parametrize(
    "document",
    [
        SHORT,
        FULL,
        {**FULL, "missed": {"policy": "run_all", "most": 7, "within_seconds": 60}},
        {**FULL, "grace_seconds": 0, "queue": "night", "priority": -100, "enabled": False},
    ],
)
def test_a_schedule_written_and_read_again_is_the_same(document: dict[str, Any]) -> None:
    schedule = read_schedule("x", document)

    assert read_schedule("x", schedule.to_json()) == schedule


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "x must be an object with job_type, parameters, enabled, trigger"),
        ({**SHORT, "trigger": FULL["trigger"]}, "x has no field 'times'"),
        ({**SHORT, "times": "05:30"}, "x.times must be a list of times"),
        ({**FULL, "trigger": {"kind": "cron"}}, "x.trigger lacks expression."),
        ({**FULL, "missed": "skip"}, "x.missed must be an object with policy"),
        ({**FULL, "missed": {"policy": "retry"}}, "must be one of skip, run_once, run_all."),
        ({**FULL, "missed": {"policy": "skip", "most": 3}}, "belongs to run_all, not to skip."),
        ({**FULL, "missed": {"policy": "run_all", "most": 101}}, "must be from 1 to 100"),
        ({**FULL, "missed": {"policy": "skip", "within_seconds": 9}}, "means nothing with skip."),
        ({**FULL, "grace_seconds": -1}, "x.grace_seconds must be from 0 to 86400"),
        ({**FULL, "priority": 101}, "x.priority must be from -100 to 100"),
        ({**FULL, "queue": ""}, "x.queue must not be empty."),
        ({**FULL, "colour": "red"}, "x has no field 'colour'"),
    ],
)
def test_a_document_that_does_not_fit_is_refused(document: object, said: str) -> None:
    with pytest.raises(ConfigValueInvalidError) as refusal:
        read_schedule("x", document)

    assert said in refusal.value.detail


def test_the_desks_own_schedules_say_when_and_what_for() -> None:
    timings = {
        seed.name: read_schedule(seed.name, seed.document).trigger.describe()
        for seed in SEEDED_SCHEDULES
    }

    assert timings == {
        "kite_login": "at 06:15 and 07:35 IST, Monday to Friday",
        "breeze_login": "at 05:30 and 08:30 IST, Monday to Friday",
        "session_cleanup": "at 06:05 IST, every day",
        "session_watch": "every 5 minutes, counted from midnight IST",
        "health_sweep": "every 5 minutes, counted from midnight IST",
        "job_cleanup": "at 05:40 on Sunday (IST)",
        "cache_report": "at 05:30 on the first day of every month (IST)",
        "audit_archive": "at 04:20 on Sunday (IST)",
        "audit_verification": "at 03:40 every day (IST)",
        "broker_call_analysis": "at 05:20 on the first day of every month (IST)",
        "database_maintenance": "at 04:00 on the first day of every month (IST)",
        "instrument_load": "at 08:40 IST, Monday to Friday",
        "daily_collection": "30 minutes after the close of shares and indices on trading days",
        "morning_brief": "25 minutes before the open of shares and indices on trading days",
        "evening_summary": "180 minutes after the close of shares and indices on trading days",
        "data_quality": "at 06:00 on Sunday (IST)",
        "price_stream": "5 minutes before the open of shares and indices on trading days",
    }
    off = [seed.name for seed in SEEDED_SCHEDULES if not seed.document["enabled"]]
    assert off == ["morning_brief", "evening_summary", "price_stream"]
