"""A broker's word for an instrument, with the days for which it holds."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from munshi.domain.enums import Service
from munshi.domain.market.instruments import Instrument

# The last day of a listing that nothing has ended.
OPEN_END = date(9999, 12, 31)


class Unmapped(StrEnum):
    """Why an instrument of one broker has no counterpart at the other."""

    NOT_LISTED = "not_listed"
    AMBIGUOUS = "ambiguous"
    CONFLICTING = "conflicting"
    CODE_UNKNOWN = "code_unknown"
    LIST_MISSING = "list_missing"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Unmapped.NOT_LISTED: "The other broker's list does not name it.",
    Unmapped.AMBIGUOUS: "The other broker's list names several that it could be.",
    Unmapped.CONFLICTING: "By its symbol it is one instrument of the other broker, and by the "
    "exchange's token another.",
    Unmapped.CODE_UNKNOWN: "It is an index whose code at ICICI is not known.",
    Unmapped.LIST_MISSING: "The other broker's list was not loaded yet.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one broker said of an instrument, unchanged, from `first_day` to `last_day`.

    `lineage_id` is shared by the listings of one instrument through renames and other changes; a
    token that is used again belongs to another lineage. `first_day` is the day of the first list
    that had it so. `last_day` is the day before the first list that did not, or the day of expiry
    if that is earlier, and OPEN_END where neither is known. `last_seen` is the day of the last
    list that had it, None while the newest list has it.
    """

    listing_id: UUID
    lineage_id: UUID
    service: Service
    instrument: Instrument
    first_day: date
    last_day: date
    last_seen: date | None
    change: str
    unmapped: Unmapped | None = None

    @property
    def is_current(self) -> bool:
        return self.last_seen is None

    def holds_on(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day
