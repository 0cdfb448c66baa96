"""A form made of a setting's shape: its fields, and the value of what was typed into them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from munshi.config.views import ConfigView
from munshi.domain.alert_rules import LabelNames
from munshi.domain.config_keys import ConfigKey
from munshi.domain.config_values import (
    Amount,
    Document,
    Flag,
    InstrumentNames,
    Shape,
    Text,
    TimeOfDay,
    TimesOfDay,
    Whole,
)

WHOLE_VALUE = "value"
_LISTS = (TimesOfDay, InstrumentNames, LabelNames)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "number": (Whole,),
    "decimal": (Amount,),
    "switch": (Flag,),
    "time": (TimeOfDay,),
    "list": _LISTS,
}
_PARTS = "value."


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: `kind` is number, decimal, choice, switch, text, secret, time, list or JSON.

    `name` is what a browser sends, `path` where an error says it is wrong; `typed` what it holds.
    """

    name: str
    path: str
    label: str
    kind: str
    typed: str
    shape: Shape
    is_optional: bool = False
    error: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(map(str, self.shape.choices)) if isinstance(self.shape, Text) else ()

    @property
    def smallest(self) -> int | None:
        return self.shape.smallest if isinstance(self.shape, Whole | Amount) else None

    @property
    def largest(self) -> int | None:
        return self.shape.largest if isinstance(self.shape, Whole | Amount) else None

    @property
    def longest(self) -> int:
        return self.shape.longest if isinstance(self.shape, Text) else 500


def fields_of(
    key: ConfigKey, view: ConfigView, *, typed: Mapping[str, str] | None = None, error: str = ""
) -> list[Field]:
    """What the form holds: the value as it is, or again what was `typed`, `error` beside it.

    An error that names no field is at the first one.
    """
    path = f"{view.config_type}/{view.config_key}"
    fields = []
    if isinstance(key.shape, Document):
        value = view.value if isinstance(view.value, Mapping) else {}
        for name, shape in key.shape.fields.items():
            sent = _PARTS + name
            fields.append(
                Field(
                    name=sent,
                    path=f"{path}.{name}",
                    label=name.replace("_", " "),
                    kind=_kind(shape),
                    typed=_spelt(shape, value.get(name)) if typed is None else typed.get(sent, ""),
                    shape=shape,
                    is_optional=name in key.shape.optional,
                )
            )
    else:
        held = "" if key.is_secret else _spelt(key.shape, view.value)
        if typed is not None and not key.is_secret:
            held = typed.get(WHOLE_VALUE, "")
        fields.append(
            Field(
                name=WHOLE_VALUE,
                path=path,
                label="Value",
                kind="secret" if key.is_secret else _kind(key.shape),
                typed=held,
                shape=key.shape,
            )
        )
    return _marked(fields, error) if error else fields


def value_of(key: ConfigKey, typed: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """What was typed, as a value for the shape to judge: what makes no sense stays text."""
    if not isinstance(key.shape, Document):
        return _read(key.shape, typed.get(WHOLE_VALUE, ""))
    found = {}
    for name, shape in key.shape.fields.items():
        text = typed.get(_PARTS + name, "")
        if text.strip() or name not in key.shape.optional:
            found[name] = _read(shape, text)
    return found


def _marked(fields: list[Field], error: str) -> list[Field]:
    """The error beside the field whose path it begins with, the longest of several."""
    fitting = [each for each in fields if error.startswith(each.path)]
    at = max(fitting, key=lambda each: len(each.path), default=fields[0])
    return [
        Field(
            name=each.name,
            path=each.path,
            label=each.label,
            kind=each.kind,
            typed=each.typed,
            shape=each.shape,
            is_optional=each.is_optional,
            error=error if each is at else "",
        )
        for each in fields
    ]


def _kind(shape: Shape) -> str:
    if isinstance(shape, Text):
        return "choice" if shape.choices else "text"
    for kind, shapes in _KINDS.items():
        if isinstance(shape, shapes):
            return kind
    return "path" if shape.kind == "path" else "JSON"


def _spelt(shape: Shape, value: object) -> str:
    if value is None:
        return ""
    if isinstance(shape, Flag):
        return "true" if value else "false"
    if isinstance(shape, _LISTS) and isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _read(shape: Shape, text: str) -> Any:  # noqa: ANN401 - any JSON
    kind = _kind(shape)
    if kind in {"text", "choice", "decimal", "path"}:
        return text
    if kind == "time":
        return text[: len("09:15")]
    if kind == "list":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if kind == "switch":
        return {"true": True, "false": False}.get(text, text)
    try:
        return json.loads(text)
    except ValueError:
        return text
