"""Which column of an old install is which: by name, whatever its case and underscores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from munshi.infrastructure.database.legacy_tables import LegacyRow, LegacyTable

# The first of the names that a table has is the one that is read.
JOB_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("job_id", "id", "job_guid"),
    "type": ("job_type", "type", "job_name", "name"),
    "status": ("status", "state", "job_status"),
    "progress": ("progress_percent", "progress", "percent"),
    "message": ("message", "status_message", "progress_message"),
    "parameters": ("parameters", "params", "input_data", "job_data", "job_params", "payload"),
    "result": ("result_data", "result", "results", "output"),
    "error": ("error_details", "error_message", "error"),
    "created": ("created_at", "created_on", "created_date", "queued_at", "created"),
    "started": ("started_at", "start_time", "started"),
    "updated": ("updated_at", "modified_at", "last_updated", "updated"),
    "completed": ("completed_at", "finished_at", "ended_at", "end_time", "completed"),
    "by": ("created_by", "user_id", "user_name", "username", "requested_by"),
}
AUDIT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "audit_id", "log_id"),
    "time": ("timestamp", "created_at", "logged_at", "event_time", "created"),
    "user": ("user_id", "username", "user", "changed_by", "created_by"),
    "action": ("action", "event", "operation"),
    "entity_type": ("entity_type", "entity", "table_name", "category"),
    "entity_id": ("entity_id", "record_id", "key"),
    "old_value": ("old_value", "old_values", "before"),
    "new_value": ("new_value", "new_values", "after"),
    "details": ("details", "description", "message", "metadata"),
    "ip": ("ip_address", "ip", "client_ip"),
}
CONFIG_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "config_id"),
    "type": ("config_type", "type", "category", "section"),
    "key": ("config_key", "key", "name"),
    "value": ("config_value", "value"),
    "active": ("is_active", "active", "enabled"),
}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Our words for the columns a table has. `left` are columns that are not read."""

    found: Mapping[str, str]
    left: tuple[str, ...]

    @classmethod
    def of(cls, table: LegacyTable, wanted: Mapping[str, tuple[str, ...]]) -> "ColumnMap":
        by_plain = {_plain(column): column for column in table.columns}
        found: dict[str, str] = {}
        for ours, names in wanted.items():
            for name in names:
                column = by_plain.get(_plain(name))
                if column is not None and column.lower() not in found.values():
                    found[ours] = column.lower()
                    break
        left = tuple(each for each in table.columns if each.lower() not in found.values())
        return cls(found, left)

    def lacks(self, *needed: str) -> list[str]:
        return [name for name in needed if name not in self.found]

    def get(self, row: LegacyRow, name: str) -> Any:  # noqa: ANN401
        column = self.found.get(name)
        return None if column is None else row.values.get(column)

    def label(self, row: LegacyRow) -> str:
        """What a person finds the row by."""
        own = self.get(row, "id")
        return str(own) if own not in {None, ""} and len(str(own)) <= 60 else row.key  # noqa: PLR2004


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")
