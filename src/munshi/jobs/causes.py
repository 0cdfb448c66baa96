"""Why something failed, for a row and for the log, without anything secret."""

import re
import traceback
from pathlib import Path

from munshi.errors import AppError

LONGEST = 500
_SECRET = re.compile(
    r"(?i)(token|secret|password|passwd|authorization|checksum|api_?session|api_?key|totp|otp)"
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
    line = " ".join(text.replace("\0", "").split())
    line = line.encode("utf-8", errors="replace").decode("utf-8")
    line = _SECRET.sub(r"\1\2…", line)
    return line if len(line) <= longest else line[: longest - 1] + "…"
