"""Values of an older install as ours: its booleans were words, its numbers sometimes text."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from munshi.domain.config_values import Amount, Flag, Shape, Text, TimeOfDay, Whole

_FLAGS = {"true": True, "yes": True, "on": True, "1": True}
_FLAGS |= {"false": False, "no": False, "off": False, "0": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(:00)?")


def is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def converted(shape: Shape, value: object) -> Any:  # noqa: ANN401
    """`value` as the shape wants it; what has no such reading stays, for `check` to refuse."""
    text = value.strip() if isinstance(value, str) else value
    match shape:
        case Flag():
            return _FLAGS.get(text.lower(), value) if isinstance(text, str) else value
        case Whole():
            return _whole(text)
        case Amount():
            return _amount(text)
        case TimeOfDay():
            return time_of_day(text)
        case Text():
            return _text(shape, text)
    return value


def _text(shape: Text, value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.lower() if shape.choices and isinstance(value, str) else value


def time_of_day(value: object) -> object:
    """`9:15` and `09:15:00` are 09:15."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{int(found[1]):02}:{found[2]}" if found else value


def _whole(value: object) -> object:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    return value


def _amount(value: object) -> object:
    """One spelling for each number, so that 2.50 and 2.5 are no conflict."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite() or abs(number.adjusted()) > 20:  # noqa: PLR2004 - no such amount
        return str(value)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
