"""What was typed after `munshi schedule set`, as a schedule's document."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from munshi.cli.job_request import read_parameters
from munshi.errors import RequestInvalidError, ScheduleUnknownError
from munshi.scheduler.service import ScheduleService

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """None is what was not typed."""

    job_type: str | None
    parameters: Sequence[str] | None
    times: str | None
    weekdays: bool | None
    cron: str | None
    zone: str | None
    every: str | None
    anchor: str | None
    market_open: int | None
    market_close: int | None
    market_at: str | None
    segment: str | None
    expiry_of: str | None
    monthly: bool
    missed: str | None
    most: int | None
    within: int | None
    grace: int | None
    queue: str | None
    priority: int | None


def changed_document(
    schedules: ScheduleService, name: str, options: ScheduleOptions
) -> tuple[dict[str, Any], int | None]:
    """The schedule as it is to be, and the version it is changed from; None for a new one.

    Raises RequestInvalidError, JobParametersInvalidError.
    """
    try:
        found = schedules.get(name)
    except ScheduleUnknownError:
        found = None
    old = found.schedule.to_json() if found is not None and found.schedule is not None else {}
    document = {"parameters": {}, "enabled": True, **old}
    if options.job_type is not None:
        document["job_type"] = options.job_type
    if options.parameters is not None:
        document["parameters"] = read_parameters(document.get("job_type", ""), options.parameters)
    trigger = _trigger(options, document.get("trigger", {}))
    if trigger is not None:
        document["trigger"] = trigger
    if "job_type" not in document or "trigger" not in document:
        raise RequestInvalidError(
            f"{name} is new: say what to start and when.",
            hint="For example: --type data_collection --times 16:00 --weekdays",
        )
    document |= _rest(options, document.get("missed", {}))
    return document, None if found is None else found.version


def _trigger(options: ScheduleOptions, old: dict[str, Any]) -> dict[str, Any] | None:
    """The trigger as typed; of the same kind as before, what was not typed stays."""
    if options.cron is not None:
        return {"kind": "cron", "expression": options.cron, **_given(zone=options.zone)}
    if options.every is not None:
        return {"kind": "interval", **_every(options.every), **_given(anchor=options.anchor)}
    moments = _market_moment(options)
    if moments:
        return {"kind": "market", **moments, **_market_days(options)}
    if options.times is not None or options.weekdays is not None:
        kept = old if old.get("kind") == "times" else {}
        times = None if options.times is None else _list(options.times)
        typed = _given(times=times, weekdays_only=options.weekdays)
        return {"weekdays_only": False, **kept, "kind": "times", **typed}
    stray = _given(zone=options.zone, anchor=options.anchor, expiry_of=options.expiry_of)
    if stray or options.segment is not None or options.monthly:
        raise RequestInvalidError(
            "That says nothing without when it is due.",
            hint="One of --times, --cron, --every, --open, --close, --at.",
        )
    return None


def _market_moment(options: ScheduleOptions) -> dict[str, Any]:
    if options.market_open is not None:
        return {"event": "open", "offset_minutes": options.market_open}
    if options.market_close is not None:
        return {"event": "close", "offset_minutes": options.market_close}
    return {} if options.market_at is None else {"at": _list(options.market_at)}


def _market_days(options: ScheduleOptions) -> dict[str, Any]:
    days: dict[str, Any] = _given(segment=options.segment)
    if options.expiry_of is not None:
        kind = "monthly" if options.monthly else "weekly"
        days |= {"days": "expiry", "underlying": options.expiry_of, "expiry": kind}
    return days


def _every(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", text.strip())
    if found is None:
        raise RequestInvalidError(f"--every {text!r} is not like 30s, 15m, 6h or 1d.")
    return {"every": int(found[1]), "unit": _UNITS[found[2]]}


def _rest(options: ScheduleOptions, old: dict[str, Any]) -> dict[str, Any]:
    rule = {**old} if options.missed in {None, old.get("policy")} else {}
    rule |= _given(policy=options.missed, most=options.most, within_seconds=options.within)
    rest = _given(grace_seconds=options.grace, queue=options.queue, priority=options.priority)
    return {**rest, "missed": {"policy": "run_once", **rule}}


def _list(text: str) -> list[str]:
    return sorted({one.strip() for one in text.split(",")})


def _given(**typed: object) -> dict[str, Any]:
    return {name: value for name, value in typed.items() if value is not None}
