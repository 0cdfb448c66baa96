"""Reading the dated market facts that ship inside the package."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import cast

Row = Mapping[str, object]

_DATA = files("munshi.domain.market") / "data"


@cache
def rows(name: str) -> Sequence[Row]:
    """The rows of `data/<name>.json`, a JSON list of objects that each name their source."""
    return cast("Sequence[Row]", json.loads((_DATA / f"{name}.json").read_text("utf-8")))


def calendar_documents() -> list[Row]:
    """One document per packaged calendar year, oldest first."""
    years = sorted((_DATA / "calendar").iterdir(), key=lambda entry: entry.name)
    return [
        cast("Row", json.loads(year.read_text("utf-8")))
        for year in years
        if year.name.endswith(".json")
    ]
