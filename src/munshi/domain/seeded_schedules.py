"""The desk's own schedules: what a new database holds, for people to see and to change."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from munshi.domain.enums import Service
from munshi.domain.jobs import (
    AUDIT_ARCHIVE,
    AUDIT_VERIFICATION,
    AUTO_LOGIN,
    BROKER_CALL_ANALYSIS,
    CACHE_REPORT,
    DAILY_COLLECTION,
    DATA_QUALITY,
    EVENING_SUMMARY,
    INSTRUMENT_LOAD,
    MORNING_BRIEF,
    PRICE_STREAM,
    SESSION_WATCH,
)

_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededSchedule:
    """`document` is what is stored under `schedule.<name>`."""

    name: str
    document: Mapping[str, Any]
    description: str


def _seed(
    name: str,
    job_type: str,
    trigger: Mapping[str, Any],
    description: str,
    *,
    parameters: Mapping[str, object] = MappingProxyType({}),
    missed: Mapping[str, Any] = MappingProxyType({"policy": "run_once"}),
    enabled: bool = True,
) -> SeededSchedule:
    document = {
        "job_type": job_type,
        "parameters": dict(parameters),
        "trigger": dict(trigger),
        "missed": dict(missed),
        "enabled": enabled,
    }
    return SeededSchedule(name=name, document=document, description=description)


def _login(service: Service, times: list[str], description: str) -> SeededSchedule:
    return _seed(
        f"{service}_login",
        AUTO_LOGIN,
        {"kind": "times", "times": times, "weekdays_only": True},
        description,
        parameters={"service": str(service)},
        # A login of the morning is of use until the market closes.
        missed={"policy": "run_once", "within_seconds": 8 * _HOUR},
    )


SEEDED_SCHEDULES = (
    _login(
        Service.KITE,
        ["06:15", "07:35"],
        "When to log in at Kite (IST). Not 05:45, as it once was: every Kite token dies at 06:00 "
        "IST, so one bought before lives for minutes.",
    ),
    _login(
        Service.BREEZE,
        ["05:30", "08:30"],
        "When to log in at Breeze (IST). Its tokens die at midnight, so early is well.",
    ),
    _seed(
        "session_cleanup",
        "session_cleanup",
        {"kind": "times", "times": ["06:05"], "weekdays_only": False},
        "When expired sessions are cleaned up: daily, after every token of the day before is dead.",
    ),
    _seed(
        SESSION_WATCH,
        SESSION_WATCH,
        {"kind": "interval", "every": 5, "unit": "minutes"},
        "How often it is seen whether a login at a broker ends soon, or a rejected one is taken "
        "again.",
        missed={"policy": "skip"},
    ),
    _seed(
        "health_sweep",
        "health_sweep",
        {"kind": "interval", "every": 5, "unit": "minutes"},
        "How often the health of each part is sampled.",
        missed={"policy": "skip"},
    ),
    _seed(
        "job_cleanup",
        "job_cleanup",
        {"kind": "cron", "expression": "40 5 * * 0", "zone": "Asia/Kolkata"},
        "When jobs that ended more than jobs/keep_days days ago are deleted: weekly.",
    ),
    _seed(
        AUDIT_ARCHIVE,
        AUDIT_ARCHIVE,
        {"kind": "cron", "expression": "20 4 * * 0", "zone": "Asia/Kolkata"},
        "When audit rows older than audit/archive_after_days are archived, and archives older than "
        "audit/keep_archives_days dropped: weekly.",
    ),
    _seed(
        AUDIT_VERIFICATION,
        AUDIT_VERIFICATION,
        {"kind": "cron", "expression": "40 3 * * *", "zone": "Asia/Kolkata"},
        "When the whole audit trail is compared with its seals: nightly. What is wrong alerts.",
    ),
    _seed(
        "database_maintenance",
        "database_maintenance",
        {"kind": "cron", "expression": "0 4 1 * *", "zone": "Asia/Kolkata"},
        "When indexes and table statistics are looked after, with a report: monthly.",
    ),
    _seed(
        BROKER_CALL_ANALYSIS,
        BROKER_CALL_ANALYSIS,
        {"kind": "cron", "expression": "20 5 1 * *", "zone": "Asia/Kolkata"},
        "When it is worked out how the brokers' limits were used last month: monthly.",
    ),
    _seed(
        CACHE_REPORT,
        CACHE_REPORT,
        {"kind": "cron", "expression": "30 5 1 * *", "zone": "Asia/Kolkata"},
        "When it is worked out how often the cache had the answer last month: monthly.",
    ),
    _seed(
        INSTRUMENT_LOAD,
        INSTRUMENT_LOAD,
        {"kind": "times", "times": ["08:40"], "weekdays_only": True},
        "When both brokers' lists of instruments are loaded: before the market opens.",
        # What was listed on a day is of use on that day only, but then at any hour.
        missed={"policy": "run_once", "within_seconds": 12 * _HOUR},
    ),
    _seed(
        "daily_collection",
        DAILY_COLLECTION,
        {
            "kind": "market",
            "segment": "cash",
            "event": "close",
            "offset_minutes": 30,
            "days": "trading",
        },
        "When the day's candles are collected (market/daily_collection says which).",
    ),
    _seed(
        MORNING_BRIEF,
        MORNING_BRIEF,
        {
            "kind": "market",
            "segment": "cash",
            "event": "open",
            "offset_minutes": -25,
            "days": "trading",
        },
        "When the channels of alerts are told whether the desk is ready for the open. Off until it "
        "is resumed.",
        missed={"policy": "run_once", "within_seconds": _HOUR},
        enabled=False,
    ),
    _seed(
        EVENING_SUMMARY,
        EVENING_SUMMARY,
        {
            "kind": "market",
            "segment": "cash",
            "event": "close",
            "offset_minutes": 180,
            "days": "trading",
        },
        "When the channels of alerts are told what became of the day. Off until it is resumed.",
        missed={"policy": "run_once", "within_seconds": 4 * _HOUR},
        enabled=False,
    ),
    _seed(
        DATA_QUALITY,
        DATA_QUALITY,
        {"kind": "cron", "expression": "0 6 * * 0", "zone": "Asia/Kolkata"},
        "When all candles that are held are judged, with a report: weekly.",
    ),
    _seed(
        PRICE_STREAM,
        PRICE_STREAM,
        {
            "kind": "market",
            "segment": "cash",
            "event": "open",
            "offset_minutes": -5,
            "days": "trading",
        },
        "When the prices of its instruments begin to be streamed, until the market closes. Off "
        "until it is resumed: Kite allows three streams an app.",
        parameters={
            "broker": "kite",
            "instruments": ["NSE:NIFTY 50", "NSE:NIFTY BANK", "BSE:SENSEX"],
        },
        # What is left of the day is worth having.
        missed={"policy": "run_once", "within_seconds": 6 * _HOUR},
        enabled=False,
    ),
)
