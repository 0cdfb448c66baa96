"""A job of an old install as it is kept here: over, whatever it was there."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from munshi.adoption.old_columns import ColumnMap
from munshi.adoption.old_times import OldTimes
from munshi.adoption.old_values import LONGEST, line, parsed, percent, shortened
from munshi.adoption.redaction import Redactor
from munshi.domain.jobs import JobState
from munshi.domain.legacy import LegacyJob
from munshi.infrastructure.database.legacy_tables import LegacyRow

_NAMESPACE = UUID("5b7c2f0e-6f63-5a0e-9a53-6d756e736869")
_STATES: Mapping[str, JobState] = {
    **dict.fromkeys(
        ("completed", "complete", "success", "succeeded", "done", "finished", "ok"),
        JobState.SUCCEEDED,
    ),
    **dict.fromkeys(
        ("failed", "failure", "error", "errored", "timeout", "timedout"), JobState.FAILED
    ),
    **dict.fromkeys(("cancelled", "canceled", "aborted", "stopped", "killed"), JobState.CANCELLED),
    "dead": JobState.DEAD,
}
_SHOWN = 2000
_LONGEST_TYPE, _LONGEST_NAME, _LONGEST_ORIGIN = 50, 100, 200


def legacy_job(
    row: LegacyRow,
    columns: ColumnMap,
    *,
    source: str,
    redactor: Redactor,
    times: OldTimes,
    now: datetime,
) -> LegacyJob:
    """Its id is the old one where that was a UUID, else made from table and row."""
    said = line(columns.get(row, "status"), longest=_LONGEST_NAME)
    state = _STATES.get(re.sub(r"[^a-z]", "", said.lower()))
    read = {
        name: times.read(columns.get(row, name))
        for name in ("created", "started", "updated", "completed")
    }
    known = [instant for instant in read.values() if instant is not None]
    created = read["created"] or min(known, default=now)
    ended = read["completed"] or read["updated"] or max(known, default=now)
    message = redactor.text(line(columns.get(row, "message"), longest=1000)) or None
    if state is None:
        stood = f"It was {said!r}" if said else "It had no state"
        message = f"{stood} when the old install was adopted; it was ended and is never run."
        state, ended = JobState.CANCELLED, now
    reached = percent(columns.get(row, "progress")) or 0.0
    return LegacyJob(
        job_id=_job_id(columns.get(row, "id"), row, source),
        job_type=line(columns.get(row, "type"), longest=_LONGEST_TYPE).lower() or "unknown",
        state=state,
        progress_percent=100.0 if state is JobState.SUCCEEDED else reached,
        message=message,
        parameters=_document(columns.get(row, "parameters"), redactor) or {},
        result_data=_document(columns.get(row, "result"), redactor),
        error_details=_prose(columns.get(row, "error"), redactor),
        created_by=redactor.text(line(columns.get(row, "by"), longest=_LONGEST_NAME))[
            :_LONGEST_NAME
        ]
        or "old install",
        created_at=created,
        started_at=read["started"],
        updated_at=ended,
        completed_at=ended,
        imported_from=f"{source}/{columns.label(row)}"[:_LONGEST_ORIGIN],
    )


def id_by_row(row: LegacyRow, source: str) -> UUID:
    """The same for the same row, however often it is read."""
    return uuid5(_NAMESPACE, f"{source}/{row.key}")


def _job_id(value: object, row: LegacyRow, source: str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        return id_by_row(row, source)


def _document(value: object, redactor: Redactor) -> dict[str, Any] | None:
    """A JSON object; what was none stands under `text` or `value`."""
    found = shortened(redactor.value(parsed(value)))
    if found is None or found == "":
        return None
    if isinstance(found, dict):
        return found
    return {"text" if isinstance(found, str) else "value": found}


def _prose(value: object, redactor: Redactor) -> str | None:
    found = redactor.value(parsed(value))
    if found is None or found == "":
        return None
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    if len(text) <= LONGEST:
        return text
    return f"{text[:_SHOWN]}… ({len(text):,} characters)"
