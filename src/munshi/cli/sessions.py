"""`munshi sessions`: who is signed in, and ending that."""

from typing import Annotated
from uuid import UUID

import typer

from munshi.cli.output import JsonFlag, print_json, print_table, show_instant

sessions_app = typer.Typer(help="Who is signed in with a browser.", no_args_is_help=True)


@sessions_app.command("list")
def list_sessions(*, as_json: JsonFlag = False) -> None:
    """List sessions that are good now, newest first (IST)."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.people.sessions.list_sessions()
    if as_json:
        print_json({"sessions": [asdict(session) for session in found]})
        return
    print_table(
        "",
        ("session", "user", "from", "since", "last used", "until", "browser"),
        [
            (
                each.session_id,
                each.username,
                each.ip_address or "",
                show_instant(each.created_at),
                show_instant(each.last_activity),
                show_instant(each.expires_at),
                (each.user_agent or "")[:40],
            )
            for each in found
        ],
        empty="Nobody is signed in.",
    )


@sessions_app.command()
def revoke(
    session: Annotated[
        UUID | None, typer.Argument(metavar="[SESSION]", help="As `sessions list` shows it.")
    ] = None,
    *,
    user: str | None = typer.Option(None, help="All sessions of this user."),
    everybody: bool = typer.Option(False, "--all", help="All sessions of everybody."),
) -> None:
    """End sessions: one, a user's, or all. Whoever it was signs in again."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    if sum((session is not None, user is not None, everybody)) != 1:
        raise typer.BadParameter("Name a session, a --user, or --all.")
    with open_desk() as services:
        sessions = services.people.sessions
        if session is not None:
            sessions.revoke(session, actor=COMMAND_LINE)
            count = 1
        elif user is not None:
            of = services.people.users.get(user)
            count = sessions.revoke_all(user=of, actor=COMMAND_LINE)
        else:
            count = sessions.revoke_all(actor=COMMAND_LINE)
    typer.echo(f"{count} {'session' if count == 1 else 'sessions'} ended.")
