"""Conditional requests (RFC 9110, section 13): ETag, If-Match and If-None-Match."""

import re

from starlette.requests import Request

from munshi.errors import ConditionMalformedError, ConfigVersionConflictError

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,(?:[ \t]*{_TAG})?)*[ \t,]*")
_ANY = "*"


def etag(kind: str, number: int) -> str:
    """A strong tag: it changes whenever the number does, and the kinds never meet."""
    return f'"{kind}{number}"'


def check_if_match(request: Request, current: str) -> bool:
    """Whether the caller asked for `current` by name, so that it must still stand at the write.

    Raises ConfigVersionConflictError if another was asked for (a weak tag matches nothing), and
    ConditionMalformedError.
    """
    asked = _tags(request, "if-match")
    if asked is None or asked == [_ANY]:
        return False
    if current not in asked:
        raise ConfigVersionConflictError(
            f"It is at {current}, which is not what If-Match asks for.",
            hint="Read it again and repeat the change.",
        )
    return True


def is_unchanged(request: Request, current: str) -> bool:
    """Whether If-None-Match says that the caller has `current`. Raises ConditionMalformedError."""
    asked = _tags(request, "if-none-match")
    if asked is None:
        return False
    return asked == [_ANY] or current in [tag.removeprefix("W/") for tag in asked]


def _tags(request: Request, header: str) -> list[str] | None:
    """The tags of all lines of the header; None where there is no such header."""
    lines = request.headers.getlist(header)
    if not lines:
        return None
    text = ", ".join(lines).strip()
    if text == _ANY:
        return [_ANY]
    if not _LIST.fullmatch(text):
        raise ConditionMalformedError(
            f"{header.title()} must be * or tags in quotes.", hint='Such as "v3", as in ETag.'
        )
    return re.findall(_TAG, text)
