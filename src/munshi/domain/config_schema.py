"""What may stand under a configuration key, as JSON Schema and in words."""

from functools import singledispatch
from typing import Any

from munshi.domain.alert_rules import (
    CONDITION,
    MOST_LABELS,
    TESTS,
    ConditionShape,
    LabelNames,
    Labels,
    PagePath,
)
from munshi.domain.config_keys import DECLARED, ConfigKey
from munshi.domain.config_values import (
    Amount,
    Document,
    Flag,
    InstrumentNames,
    Text,
    TimeOfDay,
    TimesOfDay,
    Whole,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


@singledispatch
def shape_schema(shape: object) -> dict[str, Any]:
    """JSON Schema of one shape; what it cannot say, such as a trigger's kinds, `check` says."""
    return {"type": "object", "x-kind": str(getattr(shape, "kind", ""))}


@shape_schema.register
def _text(shape: Text) -> dict[str, Any]:
    if shape.choices:
        return {"enum": list(map(str, shape.choices))}
    return {"type": "string", "minLength": 1, "maxLength": shape.longest}


@shape_schema.register
def _whole(shape: Whole) -> dict[str, Any]:
    return {"type": "integer", "minimum": shape.smallest, "maximum": shape.largest}


@shape_schema.register
def _amount(shape: Amount) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)?$",
        "x-minimum": shape.smallest,
        "x-maximum": shape.largest,
    }


@shape_schema.register
def _flag(_shape: Flag) -> dict[str, Any]:
    return {"type": "boolean"}


@shape_schema.register
def _time(_shape: TimeOfDay) -> dict[str, Any]:
    return {"type": "string", "pattern": _TIME}


@shape_schema.register
def _times(_shape: TimesOfDay) -> dict[str, Any]:
    item = {"type": "string", "pattern": _TIME}
    return {"type": "array", "items": item, "minItems": 1, "maxItems": 50, "uniqueItems": True}


@shape_schema.register
def _instruments(_shape: InstrumentNames) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 500}


@shape_schema.register
def _label_names(_shape: LabelNames) -> dict[str, Any]:
    item = {"type": "string", "minLength": 1, "maxLength": 50}
    return {"type": "array", "items": item, "maxItems": MOST_LABELS, "uniqueItems": True}


@shape_schema.register
def _document(shape: Document) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: shape_schema(each) for name, each in shape.fields.items()},
        "required": sorted(shape.fields.keys() - shape.optional),
        "additionalProperties": False,
    }


@shape_schema.register
def _path(_shape: PagePath) -> dict[str, Any]:
    return {"type": "string", "pattern": "^/([^/]|$)", "maxLength": 500}


@shape_schema.register
def _labels(_shape: Labels) -> dict[str, Any]:
    label = {"type": "string", "minLength": 1, "maxLength": 100}
    return {"type": "object", "additionalProperties": label, "maxProperties": MOST_LABELS}


@shape_schema.register
def _condition(_shape: ConditionShape) -> dict[str, Any]:
    ways = [{"required": [test]} for test in TESTS]
    return shape_schema(CONDITION) | {"oneOf": ways}


def key_schema(key: ConfigKey) -> dict[str, Any]:
    """JSON Schema of a key's value, with what it does not know as `x-…`."""
    schema = shape_schema(key.shape) | {
        "title": f"{key.config_type}/{key.name}",
        "description": key.description,
        "x-secret": key.is_secret,
        "x-restart-needed": key.restart_needed,
        "x-read": not key.kept_only,
    }
    if key.default is not None:
        schema["default"] = key.default
    if key.unit:
        schema["x-unit"] = key.unit
    return schema


def config_schema() -> dict[str, Any]:
    """JSON Schema of the whole configuration: an object of types, each an object of keys."""
    types: dict[str, dict[str, Any]] = {}
    for key in DECLARED:
        own = types.setdefault(
            key.config_type,
            {
                "type": "object",
                "properties": {},
                "patternProperties": {},
                "additionalProperties": False,
            },
        )
        if key.pattern is None:
            own["properties"][key.name] = key_schema(key)
        else:
            own["patternProperties"][f"^{key.pattern}$"] = key_schema(key)
    return {
        "$schema": DIALECT,
        "title": "Configuration of Munshi",
        "type": "object",
        "properties": types,
        "additionalProperties": False,
    }


def allowed_values(key: ConfigKey) -> str:
    """The range in words; empty where the kind of value says it all."""
    match key.shape:
        case Whole() | Amount():
            unit = f" {key.unit}" if key.unit else ""
            return f"{key.shape.smallest} to {key.shape.largest}{unit}"
        case Text() if key.shape.choices:
            return ", ".join(key.shape.choices)
        case Text():
            return f"up to {key.shape.longest} characters"
        case Document():
            return "; ".join(_field(key.shape, name) for name in key.shape.fields)
    return ""


def _field(document: Document, name: str) -> str:
    shape = document.fields[name]
    words = shape.kind
    if isinstance(shape, Whole):
        words = f"{shape.smallest} to {shape.largest}"
    elif isinstance(shape, Text) and shape.choices:
        words = " or ".join(shape.choices)
    return f"{name}{'?' if name in document.optional else ''}: {words}"
