"""`munshi audit`: what was done, by whom, to what."""

from datetime import datetime
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag

audit_app = typer.Typer(help="Read the audit trail, newest first.", no_args_is_help=True)
Action = Annotated[str | None, typer.Option(help="Only this action.")]
Since = Annotated[datetime | None, typer.Option(help="From this moment on (IST).")]
Until = Annotated[datetime | None, typer.Option(help="Before this moment (IST).")]
Cursor = Annotated[str | None, typer.Option(help="Where the page before ended.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="Rows a page.")]


@audit_app.command("recent")
def recent(
    *,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    as_json: JsonFlag = False,
) -> None:
    """Everything."""
    from munshi.cli.audit_page import show_page

    show_page(
        "Audit",
        as_json=as_json,
        action=action,
        since=since,
        until=until,
        cursor=cursor,
        limit=limit,
    )


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
    """All that happened to one thing."""
    from munshi.cli.audit_page import show_page

    show_page(
        f"Audit of {entity_type} {entity_id}",
        as_json=as_json,
        entity_type=entity_type,
        entity_id=entity_id,
        action=action,
        since=since,
        until=until,
        cursor=cursor,
        limit=limit,
    )


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
    """All that one user did."""
    from munshi.cli.audit_page import show_page

    show_page(
        f"Audit of {user_id}",
        as_json=as_json,
        user_id=user_id,
        action=action,
        since=since,
        until=until,
        cursor=cursor,
        limit=limit,
    )
