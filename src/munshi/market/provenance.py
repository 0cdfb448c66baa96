"""Where a broker's bars come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`source` keeps series apart, `label` is shown."""

    source: str
    label: str
