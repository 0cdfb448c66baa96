"""The audit trail as text in a file: CSV or a JSON document a line."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from munshi.domain.audit import AuditEntry

COLUMNS = (
    "id",
    "timestamp",
    "entity_type",
    "entity_id",
    "action",
    "user_id",
    "request_id",
    "job_id",
    "old_value",
    "new_value",
    "details",
    "leaf",
)
JSON_COLUMNS = frozenset({"old_value", "new_value", "details"})
# A spreadsheet takes what begins so for a formula. The mark itself is among them, so that taking
# one mark away where there is one gives back every cell as it was.
MARK = "'"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", MARK)


class TextFormat(StrEnum):
    """How the rows are spelt."""

    CSV = "csv"
    JSONL = "jsonl"


MEDIA_TYPES = {
    TextFormat.CSV: "text/csv; charset=utf-8",
    TextFormat.JSONL: "application/jsonl; charset=utf-8",
}


def document(entry: AuditEntry) -> dict[str, Any]:
    """One row under the names of COLUMNS: the instant in UTC, the leaf in hex."""
    return {
        "id": entry.audit_id,
        "timestamp": utc_text(entry.timestamp),
        "entity_type": entry.entity_type,
        "entity_id": entry.entity_id,
        "action": entry.action,
        "user_id": entry.user_id,
        "request_id": entry.request_id,
        "job_id": entry.job_id,
        "old_value": entry.old_value,
        "new_value": entry.new_value,
        "details": entry.details,
        "leaf": entry.leaf.hex(),
    }


def utc_text(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def spell_rows(entries: Iterable[AuditEntry], form: TextFormat) -> Iterator[str]:
    """A line at a time, with the headings first where there are any."""
    if form is TextFormat.JSONL:
        for entry in entries:
            yield json_text(document(entry)) + "\n"
        return
    yield _csv_line(COLUMNS)
    for entry in entries:
        yield _csv_line(cell(name, value) for name, value in document(entry).items())


def cell(name: str, value: object) -> str:
    """`value` as a cell that no spreadsheet takes for a formula; what is missing is empty."""
    if value is None:
        return ""
    text = json_text(value) if name in JSON_COLUMNS else str(value)
    return MARK + text if text.startswith(_RISKY) else text


def read_cell(text: str) -> str:
    """What `cell` was given, as text."""
    return text.removeprefix(MARK)


def json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
