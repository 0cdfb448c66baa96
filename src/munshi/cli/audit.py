"""`munshi audit`: what was done, by whom, to what."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag

audit_app = typer.Typer(
    help="Read the audit trail: pages, as it grows, or all of it into a file.",
    no_args_is_help=True,
)
EntityType = Annotated[
    str | None, typer.Option("--entity-type", help="Only such as config, auth, job, alert.")
]
EntityId = Annotated[
    str | None, typer.Option("--entity-id", help="Only such as jobs/keep_days, kite, a job's id.")
]
User = Annotated[str | None, typer.Option("--user", help="Only what this user did.")]
Action = Annotated[str | None, typer.Option(help="Only this action.")]
Request = Annotated[str | None, typer.Option("--request-id", help="Only of this API request.")]
Job = Annotated[str | None, typer.Option("--job-id", help="Only what this job changed.")]
Since = Annotated[datetime | None, typer.Option(help="From this moment on (IST).")]
Until = Annotated[datetime | None, typer.Option(help="Before this moment (IST).")]
Cursor = Annotated[str | None, typer.Option(help="Where the page before ended.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="Rows a page.")]


class FileFormat(StrEnum):
    """What `munshi audit export` writes."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@audit_app.command("recent")
def recent(
    *,
    entity_type: EntityType = None,
    entity_id: EntityId = None,
    user: User = None,
    action: Action = None,
    request_id: Request = None,
    job_id: Job = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: JsonFlag = False,
) -> None:
    """Everything, or what matches all options, newest first."""
    from munshi.cli.audit_page import query_of, show_page

    query = query_of(
        entity_type=entity_type,
        entity_id=entity_id,
        user_id=user,
        action=action,
        request_id=request_id,
        job_id=job_id,
        since=since,
        until=until,
    )
    show_page("Audit", query, as_json=as_json, cursor=cursor, limit=limit)


@audit_app.command("entity")
def entity(
    entity_type: Annotated[str, typer.Argument(help="Such as config, auth, job, alert.")],
    entity_id: Annotated[str, typer.Argument(help="Such as jobs/keep_days, kite or a job's id.")],
    *,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: JsonFlag = False,
) -> None:
    """All that happened to one thing, newest first."""
    from munshi.cli.audit_page import query_of, show_page

    query = query_of(
        entity_type=entity_type, entity_id=entity_id, action=action, since=since, until=until
    )
    title = f"Audit of {entity_type} {entity_id}"
    show_page(title, query, as_json=as_json, cursor=cursor, limit=limit)


@audit_app.command("user")
def user(
    user_id: Annotated[str, typer.Argument(help="Such as munshi or command-line.")],
    *,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: JsonFlag = False,
) -> None:
    """All that one user did, newest first."""
    from munshi.cli.audit_page import query_of, show_page

    query = query_of(user_id=user_id, action=action, since=since, until=until)
    show_page(f"Audit of {user_id}", query, as_json=as_json, cursor=cursor, limit=limit)


@audit_app.command("tail")
def tail(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=500, help="Last rows.")] = 20,
    entity_type: EntityType = None,
    entity_id: EntityId = None,
    user: User = None,
    action: Action = None,
    request_id: Request = None,
    job_id: Job = None,
    since: Since = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON document a line.")] = False,
) -> None:
    """The last rows, oldest first, and with -f what is done from now on."""
    from munshi.cli.audit_page import query_of
    from munshi.cli.audit_page import tail as show_tail

    query = query_of(
        entity_type=entity_type,
        entity_id=entity_id,
        user_id=user,
        action=action,
        request_id=request_id,
        job_id=job_id,
        since=since,
    )
    show_tail(query, lines=lines, follow=follow, as_json=as_json)


@audit_app.command("export")
def export(
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where; only you can read it.")],
    form: Annotated[
        FileFormat | None, typer.Option("--format", help="As the file's ending says, else CSV.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    entity_type: EntityType = None,
    entity_id: EntityId = None,
    user: User = None,
    action: Action = None,
    request_id: Request = None,
    job_id: Job = None,
    since: Since = None,
    until: Until = None,
    as_json: JsonFlag = False,
) -> None:
    """Write what matches into a file, oldest first. That it was taken is itself audited."""
    from munshi.cli.audit_export import export as write
    from munshi.cli.audit_page import query_of

    query = query_of(
        entity_type=entity_type,
        entity_id=entity_id,
        user_id=user,
        action=action,
        request_id=request_id,
        job_id=job_id,
        since=since,
        until=until,
    )
    write(query, to=to, form=form, force=force, as_json=as_json)
