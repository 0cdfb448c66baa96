"""Values of an old install's rows as JSON that every database takes, whatever stood there."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

LONGEST = 20_000
_SHOWN = 2000
_DEEPEST = 40
_LARGEST_NUMBER = 2**53


def parsed(value: object) -> Any:  # noqa: ANN401 - JSON
    """JSON from text where it is JSON; text that is none stays text, bytes become text."""
    if not isinstance(value, str):
        return plain(value)
    text = value.strip()
    if text[:1] in {"{", "["} and len(text) <= 1_000_000:  # noqa: PLR2004 - the rest is cut anyway
        try:
            return plain(json.loads(text, parse_float=Decimal, parse_constant=str))
        except (ValueError, RecursionError):
            pass
    return plain(value)


def plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    """No float, no bytes, no half character, nothing too deep; a fraction becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_NUMBER else str(value)
    if isinstance(value, dict | list | tuple):
        return _nested(value, depth + 1) if depth < _DEEPEST else "(too deep)"
    if isinstance(value, bytes | memoryview):
        return _octets(bytes(value))
    return storable(value.isoformat() if isinstance(value, datetime | date) else str(value))


def _nested(value: Mapping[Any, Any] | Sequence[Any], depth: int) -> object:
    if isinstance(value, Mapping):
        return {storable(str(name)): plain(inner, depth) for name, inner in value.items()}
    return [plain(inner, depth) for inner in value]


def storable(text: str) -> str:
    """Without what no database takes: NUL characters, halves of characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def shortened(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What is too long to keep twice: its beginning, length and hash; the old table has it all."""
    spelt = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(spelt) <= LONGEST:
        return value
    return {
        "beginning": spelt[:_SHOWN],
        "characters": len(spelt),
        "sha256": hashlib.sha256(spelt.encode()).hexdigest(),
    }


def percent(value: object) -> float | None:
    """From 0 to 100; None for what is no number."""
    try:
        number = float(str(value).strip().rstrip("%"))
    except ValueError:
        return None
    return min(100.0, max(0.0, number)) if math.isfinite(number) else None


def flag(value: object) -> bool:
    """Whether it is switched on; nothing said means on."""
    return str(value).strip().lower() not in {"0", "false", "no", "off", "f", "n"}


def line(value: object, *, longest: int) -> str:
    """One line of at most `longest` characters; empty for nothing."""
    if value is None:
        return ""
    text = " ".join(storable(str(plain(value))).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _octets(raw: bytes) -> str:
    try:
        return storable(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(raw).decode()}"
