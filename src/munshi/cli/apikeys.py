"""`munshi apikeys`: what programs call the API with."""

from typing import Annotated
from uuid import UUID

import typer

from munshi.cli.output import JsonFlag, print_json, print_table, show_instant
from munshi.cli.users import RoleName

apikeys_app = typer.Typer(help="API keys: what programs call with.", no_args_is_help=True)


@apikeys_app.command("list")
def list_keys(*, as_json: JsonFlag = False) -> None:
    """List everybody's keys: what each may, until when, last used (IST)."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import end_text, key_document, scope_text

    with open_desk() as services:
        found = services.people.api_keys.list_keys()
        now = services.clock.now()
    if as_json:
        print_json({"keys": [key_document(key) for key in found]})
        return
    print_table(
        "",
        ("key", "owner", "name", "begins", "may", "until", "last used"),
        [
            (
                key.key_id,
                key.username,
                key.name,
                key.hint,
                scope_text(key),
                end_text(key, now=now),
                show_instant(key.last_used_at) or "never",
            )
            for key in found
        ],
        empty="No API keys.",
    )


@apikeys_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What uses it: backup-script.")],
    *,
    user: str = typer.Option(..., help="The owner; the key opens no more than they may."),
    role: RoleName | None = typer.Option(None, help="At most this [the owner's]."),
    read_only: bool = typer.Option(False, "--read-only", help="Only GET requests."),
    groups: str | None = typer.Option(
        None, metavar="jobs,data", help="Only paths that begin so [all]."
    ),
    days: int = typer.Option(90, min=1, max=3650, help="For how many days it is good."),
    as_json: JsonFlag = False,
) -> None:
    """Make a key and print it, this once."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import key_document
    from munshi.domain.audit import COMMAND_LINE
    from munshi.domain.roles import Role

    with open_desk() as services:
        made = services.people.api_keys.create(
            user,
            name,
            role=None if role is None else Role.of(role),
            read_only=read_only,
            groups=None if groups is None else groups.split(","),
            days=days,
            actor=COMMAND_LINE,
        )
    if as_json:
        print_json({**key_document(made.key), "api_key": made.text})
        return
    typer.echo(made.text)
    typer.echo(
        "It is shown this once. Send it as: Authorization: Bearer mk_…\n"
        f"End it: munshi apikeys revoke {made.key.key_id}",
        err=True,
    )


@apikeys_app.command()
def revoke(
    key: Annotated[UUID, typer.Argument(metavar="KEY", help="As `munshi apikeys list` shows it.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """End a key at once."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import key_document
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        ended = services.people.api_keys.revoke(key, actor=COMMAND_LINE)
    if as_json:
        print_json(key_document(ended))
    else:
        typer.echo(f"The key {ended.name} of {ended.username} opens nothing any more.")
