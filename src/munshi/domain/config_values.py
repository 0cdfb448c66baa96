"""The shapes a configuration value can have, each with one sentence for a value that does not fit.

No shape takes a float: every value is audited, and a float has no canonical text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from munshi.domain.market.calendar_year import parse_year
from munshi.domain.market.instruments import InstrumentRef
from munshi.errors import CalendarInvalidError, ConfigValueInvalidError, InstrumentUnknownError

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_LONGEST_LIST = 50
_MOST_INSTRUMENTS = 500


class Shape(Protocol):
    """What a value must look like. `kind` is the one word people read."""

    @property
    def kind(self) -> str: ...

    def check(self, value: object, *, name: str) -> None:
        """Raise ConfigValueInvalidError, which names `name`, if `value` does not fit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text that is not empty; one of `choices` where there are any."""

    longest: int = 500
    choices: tuple[str, ...] = ()
    kind: str = "text"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, str):
            raise _unfit(name, f"must be text, not {_called(value)}")
        if self.choices and value not in self.choices:
            raise _unfit(name, f"must be one of {', '.join(self.choices)}")
        if not value.strip():
            raise _unfit(name, "must not be empty")
        if len(value) > self.longest:
            raise _unfit(name, f"must have at most {self.longest} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number from `smallest` to `largest`, both included."""

    smallest: int
    largest: int
    kind: str = "whole number"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _unfit(name, f"must be a whole number, not {_called(value)}")
        if not self.smallest <= value <= self.largest:
            raise _unfit(name, f"must be from {self.smallest} to {self.largest}, not {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An exact decimal number of at least nought, written as text: `"2.5"`."""

    smallest: int
    largest: int
    kind: str = "decimal number as text"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise _unfit(name, 'must be a decimal number as text, like "2.5"')
        if not self.smallest <= Decimal(value) <= self.largest:
            raise _unfit(name, f"must be from {self.smallest} to {self.largest}, not {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """One time of day in IST as `HH:MM`."""

    kind: str = "time of day"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, str) or not _TIME_OF_DAY.fullmatch(value):
            raise _unfit(name, "must be a time from 00:00 to 23:59")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false; never the words."""

    kind: str = "true or false"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, bool):
            raise _unfit(name, f"must be true or false, not {_called(value)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesOfDay:
    """Times of day in IST as `HH:MM`, in order, none twice."""

    kind: str = "times of day"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, list) or not value or len(value) > _LONGEST_LIST:
            raise _unfit(name, 'must be a list of times like ["06:15", "07:35"]')
        for each in value:
            if not isinstance(each, str) or not _TIME_OF_DAY.fullmatch(each):
                raise _unfit(name, f"has {each!r}, which is not a time from 00:00 to 23:59")
        if value != sorted(set(value)):
            raise _unfit(name, "must name each time once, in order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """An object of names and plain values: what a job gets as its parameters."""

    kind: str = "object"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, Mapping):
            raise _unfit(name, f"must be an object, not {_called(value)}")
        for key, each in value.items():
            for part in each if isinstance(each, list) else [each]:
                if not isinstance(part, str | int | bool | None):
                    raise _unfit(f"{name}.{key}", "must be text, a whole number, true or false")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentNames:
    """Instruments by exchange and symbol, or well-known indices by their short name."""

    kind: str = "instruments"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, list) or not value or len(value) > _MOST_INSTRUMENTS:
            raise _unfit(name, f"must be a list of 1 to {_MOST_INSTRUMENTS} instruments")
        for each in value:
            if not isinstance(each, str):
                raise _unfit(name, f"must name instruments, and has {_called(each)}")
            try:
                InstrumentRef.parse(each)
            except InstrumentUnknownError as error:
                raise ConfigValueInvalidError(f"{name}: {error.detail}", hint=error.hint) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An object with exactly these fields; those in `optional` may be left out."""

    fields: Mapping[str, Shape]
    optional: frozenset[str] = field(default_factory=frozenset)
    kind: str = "object"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, Mapping):
            raise _unfit(name, f"must be an object with {', '.join(self.fields)}")
        if unknown := sorted(map(str, value.keys() - self.fields.keys())):
            known = ", ".join(self.fields)
            raise _unfit(name, f"has no field {unknown[0]!r}, only {known}")
        if missing := sorted(self.fields.keys() - value.keys() - self.optional):
            raise _unfit(name, f"lacks {', '.join(missing)}")
        for key, each in value.items():
            self.fields[key].check(each, name=f"{name}.{key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDocument:
    """One year of the market calendar, kept under that year's name."""

    kind: str = "calendar year"

    def check(self, value: object, *, name: str) -> None:
        if not isinstance(value, Mapping):
            raise _unfit(name, "must be an object with year, holidays, special_sessions")
        try:
            year = parse_year(value).year
        except CalendarInvalidError as error:
            raise ConfigValueInvalidError(f"{name}: {error.detail}", hint=error.hint) from None
        if not name.endswith(f".{year}"):
            raise _unfit(name, f"holds the calendar of {year}")


def value_from_text(shape: Shape, text: str) -> Any:  # noqa: ANN401
    """What a person typed, as a value: JSON, but text as it stands where text is wanted.

    What is no JSON stays text too, so that the shape says what it wants instead.
    """
    if isinstance(shape, Text | Amount | TimeOfDay):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _called(value: object) -> str:
    """`value` as an error may show it: its type, and the value itself only where it is short."""
    names = {str: "text", bool: "true or false", int: "a number", float: "a fraction"}
    names |= {list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def _unfit(name: str, what: str) -> ConfigValueInvalidError:
    return ConfigValueInvalidError(f"{name} {what}.")
