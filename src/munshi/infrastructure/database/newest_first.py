"""How a list is read page by page, the newest row first."""

from typing import Any

from sqlalchemy import Column, ColumnElement, and_, bindparam, or_

from munshi.domain.places import Place


def follows(at: Column[Any], row: Column[Any]) -> ColumnElement[bool]:
    """What comes after a place in the order `at DESC, row`; `place_values` binds it.

    The first part, said twice, lets an index of `at` be used.
    """
    of_place = bindparam("place_at", type_=at.type)
    after = and_(at == of_place, row > bindparam("place_row", type_=row.type))
    return and_(at <= of_place, or_(at < of_place, after))


def place_values(place: Place) -> dict[str, object]:
    return {"place_at": place.at, "place_row": place.row}


def like(text: str) -> str:
    """A pattern for what holds `text`; its own signs are escaped by a backslash."""
    for sign in "\\%_[":
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"
