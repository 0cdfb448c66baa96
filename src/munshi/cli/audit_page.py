"""One page of the audit trail on a terminal."""

import json
from datetime import datetime
from typing import Any

import typer

from munshi.cli.desk import open_desk
from munshi.cli.output import print_json, print_mode, print_table, show_instant
from munshi.clock import IST
from munshi.domain.audit import AuditEntry


def show_page(
    title: str,
    *,
    as_json: bool,
    since: datetime | None,
    until: datetime | None,
    **chosen: Any,  # noqa: ANN401
) -> None:
    """Print the rows that `AuditService.page` finds for `chosen`; times without zone are IST."""
    with open_desk() as services:
        mode = services.settings.brokers.value
        page = services.audit.page(since=_in_ist(since), until=_in_ist(until), **chosen)
    if as_json:
        entries = [_document(entry) for entry in page.entries]
        print_json({"entries": entries, "next_cursor": page.next_cursor})
        return
    print_mode(mode)
    print_table(
        title,
        ("id", "at", "user", "what", "action", "before", "after", "details"),
        [_row(entry) for entry in page.entries],
        empty="nothing yet.",
    )
    if page.next_cursor:
        typer.echo(f"Older rows: add --cursor {page.next_cursor}", err=True)


def _in_ist(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=IST)


def _document(entry: AuditEntry) -> dict[str, object]:
    names = AuditEntry.__dataclass_fields__
    return {name: getattr(entry, name) for name in names} | {"leaf": entry.leaf.hex()}


def _row(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.audit_id,
        show_instant(entry.timestamp),
        entry.user_id,
        f"{entry.entity_type} {entry.entity_id or ''}".strip(),
        entry.action,
        _spell(entry.old_value),
        _spell(entry.new_value),
        _spell(entry.details),
    )


def _spell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
