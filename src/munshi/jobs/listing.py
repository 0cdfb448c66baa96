"""Pages of jobs, newest first, with a cursor that says where the page before ended."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from munshi.domain import places
from munshi.domain.jobs import Job

LARGEST_PAGE = 500
_NAME = "jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs, and where the next older ones begin; None at the end."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


def cursor_after(job: Job) -> str:
    return places.spell_cursor(_NAME, places.Place(at=job.created_at, row=job.job_id))


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Raises CursorInvalidError unless `cursor_after` made it."""
    place = places.read_cursor(_NAME, cursor)
    return place.at, place.row
