"""Triggers as they are stored and typed: what each kind takes, checked before it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from munshi.clock import IST
from munshi.domain.config_values import Document, Flag, Shape, Text, TimesOfDay, Whole
from munshi.domain.market.calendar import MarketCalendar
from munshi.domain.market.expiries import ExpiryKind, expiry_on_or_after
from munshi.domain.market.sessions import Segment
from munshi.domain.triggers.cron import CronTrigger, check_expression, check_zone
from munshi.domain.triggers.interval import MIDNIGHT_IST, UNITS, IntervalTrigger
from munshi.domain.triggers.market import (
    LONGEST_OFFSET,
    MarketDays,
    MarketEvent,
    MarketTrigger,
)
from munshi.domain.triggers.times import TimesTrigger
from munshi.domain.triggers.trigger import Trigger
from munshi.errors import AppError, ConfigValueInvalidError

_KINDS = (TimesTrigger.kind, CronTrigger.kind, IntervalTrigger.kind, MarketTrigger.kind)
_LONGEST_EXPRESSION = 200
_ANCHOR_YEARS = range(1970, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerShape:
    """A trigger of any kind, as a configuration value."""

    kind: str = "trigger"

    def check(self, value: object, *, name: str) -> None:
        read_trigger(value, name=name)


def read_trigger(value: object, *, name: str = "trigger") -> Trigger:
    """Raises ConfigValueInvalidError, one sentence that names the field."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or kind not in _KINDS:
        raise ConfigValueInvalidError(
            f"{name} must be an object whose kind is one of {', '.join(_KINDS)}."
        )
    if kind == TimesTrigger.kind:
        return read_times(value, name=name)
    if kind == CronTrigger.kind:
        return _cron(value, name)
    return _interval(value, name) if kind == IntervalTrigger.kind else _market(value, name)


def read_times(value: Mapping[str, Any], *, name: str) -> TimesTrigger:
    """Raises ConfigValueInvalidError."""
    _check(value, name, {"times": TimesOfDay()}, weekdays_only=Flag())
    return TimesTrigger(
        times=tuple(value["times"]), weekdays_only=value.get("weekdays_only", False)
    )


def _cron(value: Mapping[str, Any], name: str) -> CronTrigger:
    zone = Text(longest=100)
    _check(value, name, {"expression": Text(longest=_LONGEST_EXPRESSION)}, zone=zone)
    check_expression(value["expression"], name=f"{name}.expression")
    found = CronTrigger(
        expression=" ".join(value["expression"].split()),
        zone=value.get("zone", IST.key),
    )
    check_zone(found.zone, name=f"{name}.zone")
    return found


def _interval(value: Mapping[str, Any], name: str) -> IntervalTrigger:
    every, unit = Whole(smallest=1, largest=10_000), Text(choices=UNITS)
    _check(value, name, {"every": every, "unit": unit}, anchor=Text(longest=40))
    return IntervalTrigger(
        every=value["every"],
        unit=value["unit"],
        anchor=_anchor(value["anchor"], name) if "anchor" in value else MIDNIGHT_IST,
    )


def _anchor(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.year not in _ANCHOR_YEARS:
        raise ConfigValueInvalidError(
            f"{name}.anchor must be a point in time with its zone, like "
            f"2026-11-25T09:15:00+05:30, not {text!r}."
        )
    return found


def _market(value: Mapping[str, Any], name: str) -> MarketTrigger:
    _check(
        value,
        name,
        {},
        segment=Text(choices=tuple(Segment)),
        event=Text(choices=tuple(MarketEvent)),
        offset_minutes=Whole(smallest=-LONGEST_OFFSET, largest=LONGEST_OFFSET),
        at=TimesOfDay(),
        days=Text(choices=tuple(MarketDays)),
        underlying=Text(longest=50),
        expiry=Text(choices=tuple(ExpiryKind)),
    )
    if ("event" in value) == ("at" in value):
        raise ConfigValueInvalidError(f"{name} needs either an event or the times in at.")
    if "at" in value and "offset_minutes" in value:
        raise ConfigValueInvalidError(f"{name}.offset_minutes counts from an event, and has none.")
    days = MarketDays(value.get("days", MarketDays.TRADING))
    if (days is MarketDays.EXPIRY) != ("underlying" in value):
        raise ConfigValueInvalidError(f"{name} needs an underlying for expiry days, and only then.")
    if "expiry" in value and days is MarketDays.TRADING:
        raise ConfigValueInvalidError(f"{name}.expiry says which expiry days, and has none.")
    is_expiry = days is MarketDays.EXPIRY
    found = MarketTrigger(
        segment=Segment(value.get("segment", Segment.FNO if is_expiry else Segment.CASH)),
        event=MarketEvent(value["event"]) if "event" in value else None,
        offset_minutes=value.get("offset_minutes", 0),
        at=tuple(value.get("at", ())),
        days=days,
        underlying=value["underlying"].strip().upper() if is_expiry else None,
        expiry=ExpiryKind(value.get("expiry", ExpiryKind.WEEKLY)),
    )
    _check_expires(found, name)
    return found


def _check_expires(trigger: MarketTrigger, name: str) -> None:
    """Refuse expiry days that are no more, such as those of Bank Nifty's weekly contracts."""
    if trigger.underlying is None:
        return
    calendar = MarketCalendar.packaged()
    day = date(calendar.years[-1], 1, 1)
    try:
        expiry_on_or_after(trigger.underlying, day, kind=trigger.expiry, calendar=calendar)
    except AppError as error:
        raise ConfigValueInvalidError(f"{name} is never due: {error.detail}") from None


def _check(
    value: Mapping[str, Any], name: str, given: Mapping[str, Shape], **optional: Shape
) -> None:
    """Raises ConfigValueInvalidError where a field is missing, unknown or ill-shaped."""
    fields = {"kind": Text(), **given, **optional}
    Document(fields=MappingProxyType(fields), optional=frozenset(optional)).check(value, name=name)
