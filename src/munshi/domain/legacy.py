"""What is taken over from an old install's tables, and what becomes of each row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from munshi.domain.jobs import JobState

LEGACY_PREFIX = "legacy_"


class RowFate(StrEnum):
    """left: the person who adopted the install said that the row is not to be taken over."""

    IMPORTED = "imported"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyJob:
    """A job of an old install as it is kept here: over, and never to be run.

    `imported_from` is its table and row there.
    """

    job_id: UUID
    job_type: str
    state: JobState
    progress_percent: float
    message: str | None
    parameters: Mapping[str, object]
    result_data: Mapping[str, object] | None
    error_details: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime
    imported_from: str
