"""`munshi audit archive|archives|restore|erase`: old rows in files, values forgotten."""

from datetime import datetime
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def archive(
    *,
    before: Annotated[
        datetime | None,
        typer.Option(help="Rows older than this (IST); else audit/archive_after_days says."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Move old rows, in whole sealed blocks, out of the database into compressed files."""
    from munshi.cli.audit_archiving import archive as move

    move(before, as_json=as_json)


def archives(*, as_json: JsonFlag = False) -> None:
    """The archives there are, and those that were dropped."""
    from munshi.cli.audit_archiving import show_archives

    show_archives(as_json=as_json)


def restore(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    *,
    since: Annotated[datetime | None, typer.Option(help="Sealed from then on (IST).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Sealed before (IST).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Bring archived rows back into the database, as they were: by name, or by time."""
    from munshi.cli.audit_archiving import restore as bring_back

    bring_back(names or [], since, until, as_json=as_json)


def erase(
    *,
    user: Annotated[
        str | None, typer.Option("--user", help="Addresses and names beside what this user did.")
    ] = None,
    value: Annotated[
        str | None, typer.Option("--value", help="This address or name, wherever it stands.")
    ] = None,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Forget personal values beside audit rows, archived ones too; every proof stays."""
    from munshi.cli.audit_archiving import erase as forget

    if not yes:
        typer.confirm("Erase these personal values? They cannot come back.", abort=True, err=True)
    forget(user, value, as_json=as_json)


def add_to(audit_app: typer.Typer) -> None:
    for command in (archive, archives, restore, erase):
        audit_app.command()(command)
