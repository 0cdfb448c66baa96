"""What an old install's tables hold, and what will become of each; nothing is changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from munshi.adoption.old_columns import AUDIT_COLUMNS, CONFIG_COLUMNS, JOB_COLUMNS, ColumnMap
from munshi.adoption.old_values import flag, line, parsed
from munshi.adoption.redaction import is_secret_name
from munshi.config.legacy_settings import LegacySetting
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.legacy_tables import (
    LegacyTable,
    list_legacy_tables,
    read_pages,
)

CONFIG, JOBS, AUDIT = "SystemConfigurations", "BackgroundJobs", "AuditLogs"
BECOMES: Mapping[str, str] = {
    CONFIG: "configuration",
    JOBS: "job history",
    AUDIT: "audit rows",
}
_COLUMNS = {CONFIG: CONFIG_COLUMNS, JOBS: JOB_COLUMNS, AUDIT: AUDIT_COLUMNS}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    CONFIG: ("type", "key", "value"),
    JOBS: ("type", "status"),
    AUDIT: ("action",),
}
_WHY: Mapping[str, str] = {
    "AuthSessions": "broker tokens die daily and were kept in clear: log in again (munshi login)",
    "UserSessions": "people sign in again",
    "CacheEntries": "a cache is filled anew",
    "ApiRateLimits": "calls are counted anew",
    "SystemHealth": "health is measured anew",
}
_ONLY_KEPT = "nothing here reads it"
_SECRET_TABLES = ("AuthSessions", "UserSessions")
_LONGEST_NAME, _LONGEST_SECRET = 200, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """`becomes` is empty for what is only kept, and `why` says why. `left` are unread columns."""

    table: LegacyTable
    becomes: str
    why: str
    left: tuple[str, ...]


def survey(database: Database) -> list[TablePlan]:
    """Every table of the old install, by name."""
    return [_plan(table) for table in list_legacy_tables(database)]


def _plan(table: LegacyTable) -> TablePlan:
    ours = table.stands_for
    if ours not in BECOMES:
        return TablePlan(table=table, becomes="", why=_WHY.get(ours, _ONLY_KEPT), left=())
    columns = columns_of(table)
    if lacking := columns.lacks(*_NEEDED[ours]):
        names = [" or ".join(_COLUMNS[ours][each]) for each in lacking]
        why = f"it has no column {', and none '.join(names)}; {_ONLY_KEPT}"
        return TablePlan(table=table, becomes="", why=why, left=())
    left = () if ours == AUDIT else columns.left
    return TablePlan(table=table, becomes=BECOMES[ours], why="", left=left)


def columns_of(table: LegacyTable) -> ColumnMap:
    return ColumnMap.of(table, _COLUMNS[table.stands_for])


def old_settings(database: Database, table: LegacyTable) -> list[LegacySetting]:
    """Every row of the old table of configuration."""
    columns = columns_of(table)
    return [
        LegacySetting(
            row_key=row.key,
            label=columns.label(row),
            config_type=line(columns.get(row, "type"), longest=_LONGEST_NAME),
            config_key=line(columns.get(row, "key"), longest=_LONGEST_NAME),
            value=columns.get(row, "value"),
            is_active=flag(columns.get(row, "active")),
        )
        for page in read_pages(database, table)
        for row in page
    ]


def known_secrets(database: Database, plans: list[TablePlan]) -> Iterator[str]:
    """What the old install kept in clear: tokens, and settings that are secrets by name."""
    for plan in plans:
        table = plan.table
        names = [each.lower() for each in table.columns if is_secret_name(each)]
        if table.stands_for in _SECRET_TABLES and names:
            for page in read_pages(database, table):
                for row in page:
                    yield from (_text(row.values.get(name)) for name in names)
        if table.stands_for == CONFIG and plan.becomes:
            for setting in old_settings(database, table):
                yield from _secrets_in(setting.value, setting.config_key)


def _secrets_in(value: object, name: str) -> Iterator[str]:
    found = parsed(value)
    if isinstance(found, dict):
        for inner_name, inner in found.items():
            yield from _secrets_in(inner, name if is_secret_name(name) else inner_name)
    elif is_secret_name(name):
        yield _text(found)


def _text(value: object) -> str:
    found = "" if value is None else str(parsed(value))
    return found if len(found) <= _LONGEST_SECRET else ""
