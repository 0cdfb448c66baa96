"""A stretch of time in which a stream brought nothing that can be relied on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GapReason(StrEnum):
    """Why nothing came. A gap may have several, one after another."""

    STARTING = "starting"
    DROPPED = "dropped"
    SILENT = "silent"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_LOGIN = "no_login"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGap:
    """From the last message before it to the first one after it, by this machine's clock.

    `ended` is None while it lasts. The stretch before the first message is a gap too.
    """

    began: datetime
    ended: datetime | None
    reasons: tuple[GapReason, ...]
