"""The audit trail on a terminal: a page of it, or as it grows."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import typer

from munshi.audit.service import LARGEST_PAGE, AuditQuery
from munshi.bootstrap import Services
from munshi.cli.desk import open_desk
from munshi.cli.output import print_json, print_json_line, print_mode, print_table, show_instant
from munshi.cli.table import printable
from munshi.clock import IST
from munshi.domain.audit import AuditEntry

POLL_SECONDS = 0.5


def query_of(
    *,
    entity_type: str | None = None,
    entity_id: str | None = None,
    user_id: str | None = None,
    action: str | None = None,
    request_id: str | None = None,
    job_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> AuditQuery:
    """What the options of `munshi audit` ask for; times without zone are IST."""
    return AuditQuery(
        entity_type=entity_type,
        entity_id=entity_id,
        user_id=user_id,
        action=action,
        request_id=request_id,
        job_id=job_id,
        since=since and since.replace(tzinfo=IST),
        until=until and until.replace(tzinfo=IST),
    )


def show_page(
    title: str, query: AuditQuery, *, as_json: bool, cursor: str | None, limit: int
) -> None:
    """Print the rows that `AuditService.page` finds."""
    with open_desk() as services:
        mode = services.settings.brokers.value
        page = services.audit.page(cursor=cursor, limit=limit, **query.asked())
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


def tail(query: AuditQuery, *, lines: int, follow: bool, as_json: bool) -> None:
    """The last rows, oldest first; with `follow` also what comes, until it is interrupted.

    Nothing is left out: a row of a slow transaction is shown when it commits, though rows with
    higher ids were shown before it.
    """
    with open_desk() as services:
        if not as_json:
            print_mode(services.settings.brokers.value)
        show = _print_document if as_json else _print_line
        try:
            _tail(services, query, lines=lines, follow=follow, show=show)
        except KeyboardInterrupt:
            # Whoever follows ends it so; that is no failure.
            raise typer.Exit from None


def _tail(
    services: Services,
    query: AuditQuery,
    *,
    lines: int,
    follow: bool,
    show: Callable[[AuditEntry], None],
) -> None:
    news = services.audit.last(query, limit=lines)
    _show_all(news.entries, show)
    while follow:
        news = services.audit.since(news.place, query)
        _show_all(news.entries, show)
        if len(news.entries) < LARGEST_PAGE:
            services.clock.sleep(POLL_SECONDS)


def _show_all(entries: Iterable[AuditEntry], show: Callable[[AuditEntry], None]) -> None:
    for entry in entries:
        show(entry)


def _print_document(entry: AuditEntry) -> None:
    print_json_line(_document(entry))


def _print_line(entry: AuditEntry) -> None:
    before, after, details = (
        _spell(entry.old_value),
        _spell(entry.new_value),
        _spell(entry.details),
    )
    change = f"{before} -> {after}" if before and after else before or after
    said = "  ".join(each for each in (_what(entry), entry.action, change, details) if each)
    typer.echo(
        printable(f"{entry.audit_id}  {show_instant(entry.timestamp)}  {entry.user_id}  {said}")
    )


def _document(entry: AuditEntry) -> dict[str, object]:
    names = AuditEntry.__dataclass_fields__
    return {name: getattr(entry, name) for name in names} | {"leaf": entry.leaf.hex()}


def _row(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.audit_id,
        show_instant(entry.timestamp),
        entry.user_id,
        _what(entry),
        entry.action,
        _spell(entry.old_value),
        _spell(entry.new_value),
        _spell(entry.details),
    )


def _what(entry: AuditEntry) -> str:
    return f"{entry.entity_type} {entry.entity_id or ''}".strip()


def _spell(value: Any) -> str:  # noqa: ANN401
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
