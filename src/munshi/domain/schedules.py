"""Schedules: what is started, when, and what becomes of runs that were missed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from munshi.domain.config_values import Document, Flag, Plain, Text, Whole
from munshi.domain.triggers import Trigger, TriggerShape, read_times, read_trigger
from munshi.errors import ConfigValueInvalidError

USUAL_GRACE_SECONDS = 300
USUAL_MOST = 5
MOST_RUNS = 100
_ONE_DAY = 86_400


class MissedPolicy(StrEnum):
    """What becomes of runs that could not be started within their grace.

    skip: nothing. run_once: the newest is made up for. run_all: the newest few, oldest first.
    """

    SKIP = "skip"
    RUN_ONCE = "run_once"
    RUN_ALL = "run_all"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRule:
    """The policy with its bounds.

    `most` runs are started at once. A run that is more than `within_seconds` late is not made up
    for any more; None sets no bound.
    """

    policy: MissedPolicy = MissedPolicy.RUN_ONCE
    most: int = 1
    within_seconds: int | None = None

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"policy": str(self.policy)}
        if self.policy is MissedPolicy.RUN_ALL:
            document["most"] = self.most
        if self.within_seconds is not None:
            document["within_seconds"] = self.within_seconds
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job type to start by itself. A start up to `grace_seconds` late counts as on time.

    `queue` None leaves the choice to the job type.
    """

    name: str
    job_type: str
    parameters: Mapping[str, object]
    enabled: bool
    trigger: Trigger
    missed: MissedRule
    grace_seconds: int = USUAL_GRACE_SECONDS
    queue: str | None = None
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "job_type": self.job_type,
            "parameters": dict(self.parameters),
            "trigger": self.trigger.to_json(),
            "missed": self.missed.to_json(),
            "grace_seconds": self.grace_seconds,
            "priority": self.priority,
            "enabled": self.enabled,
        }
        if self.queue is not None:
            document["queue"] = self.queue
        return document


class ExecutionStatus(StrEnum):
    """What a row of SchedulerExecutions is about.

    fired: the job of a due time was stored. on_demand: a person asked. missed: one due time that
    was not started. gap: many in a row. failed: no job could be made.
    """

    FIRED = "fired"
    ON_DEMAND = "on_demand"
    MISSED = "missed"
    GAP = "gap"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One row of SchedulerExecutions.

    `execution_time`, `success`, `duration_ms` and what was said stay None until the job has
    ended. `platform` is the broker it worked with. A gap reaches from `scheduled_for` to
    `missed_until` and stands for `missed_count` due times.
    """

    execution_id: int
    job_name: str
    job_id: UUID | None
    status: ExecutionStatus
    scheduled_for: datetime
    execution_time: datetime | None
    success: bool | None
    result_message: str | None
    error_details: str | None
    duration_ms: int | None
    retry_count: int
    platform: str | None
    missed_until: datetime | None
    missed_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCursor:
    """One row of ScheduleCursors: every due time up to `done_until` has been dealt with.

    `next_due` is worked out for `config_version` of the schedule; None where it has none.
    """

    job_name: str
    config_version: int
    done_until: datetime
    next_due: datetime | None


_MISSED = Document(
    fields=MappingProxyType(
        {
            "policy": Text(choices=tuple(MissedPolicy)),
            "most": Whole(smallest=1, largest=MOST_RUNS),
            "within_seconds": Whole(smallest=1, largest=366 * _ONE_DAY),
        }
    ),
    optional=frozenset({"most", "within_seconds"}),
)
_ALWAYS: Mapping[str, Any] = {
    "job_type": Text(longest=50),
    "parameters": Plain(),
    "enabled": Flag(),
}
_OPTIONAL: Mapping[str, Any] = {
    "missed": _MISSED,
    "grace_seconds": Whole(smallest=0, largest=_ONE_DAY),
    "queue": Text(longest=50),
    "priority": Whole(smallest=-100, largest=100),
}
_WITH_TRIGGER = Document(
    fields=MappingProxyType({**_ALWAYS, "trigger": TriggerShape(), **_OPTIONAL}),
    optional=frozenset(_OPTIONAL),
)
# The short form, in which the first version stored every schedule.
_TIMES = ("times", "weekdays_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleShape:
    """A schedule's document, as a configuration value."""

    kind: str = "schedule"

    def check(self, value: object, *, name: str) -> None:
        read_schedule(name, value)


def read_schedule(name: str, value: object) -> Schedule:
    """A stored document; `times` and `weekdays_only` may stand in place of `trigger`.

    Raises ConfigValueInvalidError, one sentence that begins with `name` and says what is wrong.
    """
    document = _with_trigger(name, value)
    _WITH_TRIGGER.check(document, name=name)
    rule = document.get("missed", {})
    policy = MissedPolicy(rule.get("policy", MissedPolicy.RUN_ONCE))
    if "most" in rule and policy is not MissedPolicy.RUN_ALL:
        raise ConfigValueInvalidError(f"{name}.missed.most belongs to run_all, not to {policy}.")
    if "within_seconds" in rule and policy is MissedPolicy.SKIP:
        raise ConfigValueInvalidError(f"{name}.missed.within_seconds means nothing with skip.")
    return Schedule(
        name=name,
        job_type=document["job_type"],
        parameters=dict(document["parameters"]),
        enabled=document["enabled"],
        trigger=read_trigger(document["trigger"], name=f"{name}.trigger"),
        missed=MissedRule(
            policy=policy,
            most=rule.get("most", USUAL_MOST) if policy is MissedPolicy.RUN_ALL else 1,
            within_seconds=rule.get("within_seconds"),
        ),
        grace_seconds=document.get("grace_seconds", USUAL_GRACE_SECONDS),
        queue=document.get("queue"),
        priority=document.get("priority", 0),
    )


def _with_trigger(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigValueInvalidError(
            f"{name} must be an object with {', '.join(_WITH_TRIGGER.fields)}."
        )
    if "trigger" in value or not value.keys() & {*_TIMES}:
        return value
    given = {key: value[key] for key in _TIMES if key in value}
    rest = {key: each for key, each in value.items() if key not in _TIMES}
    # Read under the schedule's own name, so that an error names the field as it was typed.
    read_times({"kind": "times", **given}, name=name)
    return {**rest, "trigger": {"kind": "times", **given}}
