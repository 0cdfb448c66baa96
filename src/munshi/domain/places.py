"""Where a page of a list ended that shows the newest first, as a text that people's links carry."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from munshi.errors import CursorInvalidError

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The last row of a page: what follows is older, or as old with a greater id."""

    at: datetime
    row: UUID


# Before the newest.
TOP = Place(at=datetime(9999, 1, 1, tzinfo=UTC), row=UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[_Item]):
    """Newest first; `next_cursor` is None on the last page."""

    rows: Sequence[_Item]
    next_cursor: str | None = None


def cut(
    found: Sequence[_Item], *, limit: int, name: str, place: Callable[[_Item], Place]
) -> Page[_Item]:
    """The page of a list that was asked for one more than `limit`. `name` is what it lists."""
    rows = list(found[:limit])
    if len(found) <= limit:
        return Page(rows=rows)
    return Page(rows=rows, next_cursor=spell_cursor(name, place(rows[-1])))


def spell_cursor(name: str, place: Place) -> str:
    text = f"{name} {place.at.isoformat()} {place.row}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(name: str, cursor: str | None) -> Place:
    """TOP without one. Raises CursorInvalidError unless `spell_cursor` made it for this list."""
    if cursor is None:
        return TOP
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        prefix, at, row = text.split(" ")
        stated = datetime.fromisoformat(at)
        is_ours = prefix == name and stated.tzinfo is not None
        place = Place(at=stated.astimezone(UTC), row=UUID(row))
    except (ValueError, OverflowError, binascii.Error):
        is_ours, place = False, TOP
    if not is_ours:
        raise CursorInvalidError(
            "The page cursor is not one of ours.",
            hint="Use next_cursor of the page before as it stands.",
        )
    return place
