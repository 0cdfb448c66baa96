"""Pages of jobs, newest first, with a cursor that says where the page before ended."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from munshi.domain.jobs import Job
from munshi.errors import CursorInvalidError

LARGEST_PAGE = 500
_PREFIX = "jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs, and where the next older ones begin; None at the end."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


def cursor_after(job: Job) -> str:
    text = f"{_PREFIX} {job.created_at.isoformat()} {job.job_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Raises CursorInvalidError unless `cursor_after` made it."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        prefix, created_at, job_id = text.split(" ")
        place = datetime.fromisoformat(created_at), UUID(job_id)
        is_ours = prefix == _PREFIX and place[0].tzinfo is not None
    except (ValueError, binascii.Error):
        is_ours = False
    if not is_ours:
        raise CursorInvalidError(
            "The page cursor is not one of ours.",
            hint="Use next_cursor of the page before as it stands.",
        )
    return place
