"""Why something failed, for a row and for the log, without anything secret."""

import re
import traceback
from pathlib import Path
from typing import Any

from munshi.errors import AppError

LONGEST = 500
_NAMES = "token|secret|password|passwd|authorization|checksum|api_?session|api_?key|totp|otp"
_SECRET_NAME = re.compile(rf"(?i)({_NAMES})$")
_SECRET = re.compile(
    rf"(?i)({_NAMES})"
    r"""(["']?\s*[=:]\s*["']?)(?:(?:token|bearer|basic)\s+)?[^\s"'&,;)}]+"""
)


def cause(error: BaseException) -> str:
    """One sentence for people: an AppError's own words, else the type and the first line."""
    if isinstance(error, AppError):
        return without_secrets(error.detail)
    # Later lines of a database error hold the statement's values.
    text = next(iter(_words(error).strip().splitlines()), "")
    return without_secrets(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def trace(error: BaseException) -> list[str]:
    """Where it happened, outermost first: places only, because values may be secret."""
    return [
        f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - an error may fail even at saying what it is
        return ""


def without_secrets(text: str, *, longest: int = LONGEST) -> str:
    """`text` on one line, fit for every database, with what looks like a secret left out."""
    line = _SECRET.sub(r"\1\2…", " ".join(storable(text).split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def storable(text: str) -> str:
    """`text` without what no database takes: NUL characters, halves of characters."""
    return text.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")


def without_secret_values(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON, with what stands under the name of a secret, or looks like one, left out."""
    if isinstance(value, dict):
        return {
            storable(name): "…" if _SECRET_NAME.search(name) else without_secret_values(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [without_secret_values(inner) for inner in value]
    return _SECRET.sub(r"\1\2…", storable(value)) if isinstance(value, str) else value
