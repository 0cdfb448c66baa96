"""A schedule as a form: what is typed becomes a document, and what is wrong finds its field."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from fastapi import Form

from munshi.domain.schedules import MissedPolicy, Schedule
from munshi.domain.triggers import CronTrigger, IntervalTrigger, MarketTrigger, TimesTrigger
from munshi.errors import (
    AppError,
    ConfigValueInvalidError,
    JobParametersInvalidError,
    QueueUnknownError,
)

_Word = Annotated[str, Form(max_length=60)]
_Line = Annotated[str, Form(max_length=500)]
_Text = Annotated[str, Form(max_length=20_000)]
_HOUR_ALONE = re.compile(r"\d:[0-5]\d")
# What people read beside each field, in the order of the form.
LABELS: Mapping[str, str] = {
    "kind": "When it is due",
    "times": "Times of day (IST)",
    "weekdays_only": "Monday to Friday only",
    "expression": "Cron expression",
    "zone": "Time zone",
    "every": "Every",
    "unit": "Unit",
    "anchor": "Counted from",
    "event": "Moment",
    "offset": "Minutes after it (less than 0 is before)",
    "at": "Times of day on those days (IST)",
    "segment": "Hours of",
    "days": "Days",
    "underlying": "Underlying",
    "expiry": "Which expiries",
    "enabled": "Starts by itself",
    "policy": "Missed runs",
    "most": "At most, of the newest",
    "within": "Not made up for after (seconds)",
    "grace": "Still on time when late by (seconds)",
    "queue": "Queue",
    "priority": "Priority",
    "parameters": "Parameters (JSON)",
}
_FIELD_OF = {
    "trigger.offset_minutes": "offset",
    "missed.policy": "policy",
    "missed.most": "most",
    "missed.within_seconds": "within",
    "grace_seconds": "grace",
    "trigger": "kind",
    "missed": "policy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedSchedule:
    """Every field of the form as it was typed; a box that is not ticked is empty.

    `version` is that of the stored schedule which the form was filled from.
    """

    version: Annotated[int, Form(ge=0)] = 0
    kind: _Word = TimesTrigger.kind
    times: _Line = ""
    weekdays_only: _Word = ""
    expression: _Line = ""
    zone: _Line = "Asia/Kolkata"
    every: _Word = ""
    unit: _Word = "minutes"
    anchor: _Word = ""
    event: _Word = "open"
    offset: _Word = "0"
    at: _Line = ""
    segment: _Word = "cash"
    days: _Word = "trading"
    underlying: _Word = ""
    expiry: _Word = "weekly"
    enabled: _Word = ""
    policy: _Word = str(MissedPolicy.RUN_ONCE)
    most: _Word = ""
    within: _Word = ""
    grace: _Word = ""
    queue: _Word = ""
    priority: _Word = "0"
    parameters: _Text = "{}"

    @classmethod
    def of(cls, schedule: Schedule, *, version: int) -> "TypedSchedule":
        """The form of what is stored."""
        trigger = schedule.trigger.to_json()
        texts: dict[str, Any] = {
            name: str(trigger[name])
            for name in (
                *("kind", "expression", "zone", "every", "unit", "anchor"),
                *("event", "segment", "days", "underlying", "expiry"),
            )
            if name in trigger
        }
        if trigger["kind"] == MarketTrigger.kind and "at" in trigger:
            texts |= {"event": "at", "at": ", ".join(trigger["at"])}
        missed = schedule.missed
        return cls(
            version=version,
            times=", ".join(trigger.get("times", ())),
            weekdays_only="yes" if trigger.get("weekdays_only") else "",
            offset=str(trigger.get("offset_minutes", 0)),
            enabled="yes" if schedule.enabled else "",
            policy=str(missed.policy),
            most=str(missed.most) if missed.policy is MissedPolicy.RUN_ALL else "",
            within="" if missed.within_seconds is None else str(missed.within_seconds),
            grace=str(schedule.grace_seconds),
            queue=schedule.queue or "",
            priority=str(schedule.priority),
            parameters=json.dumps(dict(schedule.parameters), indent=2, ensure_ascii=False),
            **texts,
        )

    def items(self) -> list[tuple[str, Any]]:
        """Every field with its text, to send along unseen."""
        return [(each.name, getattr(self, each.name)) for each in fields(self)]

    def at_version(self, version: int) -> "TypedSchedule":
        """What was typed, on top of a newer one."""
        return replace(self, version=version)

    def changes_from(self, before: "TypedSchedule") -> list[tuple[str, str, str]]:
        """What of it is shown differently: label, before, after."""
        return [
            (label, getattr(before, name), getattr(self, name))
            for name, label in LABELS.items()
            if getattr(before, name).split() != getattr(self, name).split()
        ]

    def document(self, name: str, job_type: str) -> dict[str, Any]:
        """The document that schedule `name` would be stored as; its shapes are checked later.

        Raises ConfigValueInvalidError for what is no number or no JSON.
        """
        found: dict[str, Any] = {
            "job_type": job_type,
            "parameters": _json(self.parameters, f"{name}.parameters"),
            "trigger": self._trigger(f"{name}.trigger"),
            "missed": self._missed(f"{name}.missed"),
            "priority": _whole(self.priority or "0", f"{name}.priority"),
            "enabled": bool(self.enabled),
        }
        if self.grace.strip():
            found["grace_seconds"] = _whole(self.grace, f"{name}.grace_seconds")
        if self.queue.strip():
            found["queue"] = self.queue.strip()
        return found

    def _trigger(self, path: str) -> dict[str, Any]:
        if self.kind == CronTrigger.kind:
            zone = {"zone": self.zone.strip()} if self.zone.strip() else {}
            return {"kind": self.kind, "expression": self.expression, **zone}
        if self.kind == IntervalTrigger.kind:
            anchor = {"anchor": self.anchor.strip()} if self.anchor.strip() else {}
            every = _whole(self.every, f"{path}.every")
            return {"kind": self.kind, "every": every, "unit": self.unit, **anchor}
        if self.kind == MarketTrigger.kind:
            return {"kind": self.kind, **self._market(path)}
        times, weekdays = _times(self.times), bool(self.weekdays_only)
        return {"kind": self.kind, "times": times, "weekdays_only": weekdays}

    def _market(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {"segment": self.segment, "days": self.days}
        if self.event == "at":
            found["at"] = _times(self.at)
        else:
            offset = _whole(self.offset or "0", f"{path}.offset_minutes")
            found |= {"event": self.event, "offset_minutes": offset}
        if self.days == "expiry":
            found |= {"underlying": self.underlying, "expiry": self.expiry}
        return found

    def _missed(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {"policy": self.policy}
        if self.policy == MissedPolicy.RUN_ALL and self.most.strip():
            found["most"] = _whole(self.most, f"{path}.most")
        if self.policy != MissedPolicy.SKIP and self.within.strip():
            found["within_seconds"] = _whole(self.within, f"{path}.within_seconds")
        return found


def wrong_field(error: AppError, name: str) -> tuple[str, str]:
    """The field of the form that an error of schedule `name` is about, and what to say there.

    The field is empty where the error is about none of them.
    """
    said = str(error)
    if isinstance(error, JobParametersInvalidError):
        return "parameters", said
    if isinstance(error, QueueUnknownError):
        return "queue", said
    path, _, rest = said.partition(" ")
    if not isinstance(error, ConfigValueInvalidError) or not path.startswith(f"{name}."):
        return "", said
    part = path.removeprefix(f"{name}.")
    ends = (part, part.removeprefix("trigger."), part.partition(".")[0])
    for end in ends:
        field = _FIELD_OF.get(end, end)
        if field in LABELS:
            return field, f"This {rest}"
    return "", said


def _times(typed: str) -> list[str]:
    """Times in order, none twice; `6:15` is `06:15`."""
    found = {each for each in re.split(r"[,;\s]+", typed) if each}
    return sorted(f"0{each}" if _HOUR_ALONE.fullmatch(each) else each for each in found)


def _whole(typed: str, path: str) -> int:
    try:
        return int(typed.strip())
    except ValueError:
        raise ConfigValueInvalidError(f"{path} must be a whole number, not {typed!r}.") from None


def _json(typed: str, path: str) -> object:
    try:
        return json.loads(typed or "{}")
    except ValueError as error:
        raise ConfigValueInvalidError(f"{path} must be JSON such as {{}}: {error}.") from None
