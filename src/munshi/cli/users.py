"""`munshi users`: who may sign in. Whoever may run this on the machine is its administrator."""

from enum import StrEnum
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_table, show_instant

users_app = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `munshi users list` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AskPassword = Annotated[
    bool, typer.Option("--ask-password", help="Type the password here instead of making a link.")
]


class RoleName(StrEnum):
    """What a user may do; each may do all that the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@users_app.command("list")
def list_users(*, as_json: JsonFlag = False) -> None:
    """List users: role, second factor, last sign-in (IST)."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import user_document

    with open_desk() as services:
        found = services.people.users.list_users()
    if as_json:
        print_json({"users": [user_document(user) for user in found]})
        return
    print_table(
        "",
        ("user", "role", "state", "second factor", "last sign-in", "added by"),
        [
            (
                user.username,
                user.role.word,
                ("active" if user.has_password else "no password yet")
                if user.is_active
                else "disabled",
                "yes" if user.has_totp else "no",
                show_instant(user.last_sign_in_at) or "never",
                user.created_by,
            )
            for user in found
        ],
        empty="No users. munshi users add NAME --role admin makes one.",
    )


@users_app.command()
def add(
    name: Name,
    *,
    role: RoleName = typer.Option(RoleName.VIEWER, help="What the user may do."),
    ask_password: AskPassword = False,
    as_json: JsonFlag = False,
) -> None:
    """Add a user, and print the one-time link by which they choose a password."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import print_invitation, typed_password
    from munshi.domain.audit import COMMAND_LINE
    from munshi.domain.roles import Role

    password = typed_password() if ask_password else None
    with open_desk() as services:
        made = services.people.users.add(name, Role.of(role), password=password, actor=COMMAND_LINE)
        print_invitation(services, made, as_json=as_json)


@users_app.command("role")
def set_role(
    name: Name,
    role: Annotated[RoleName, typer.Argument(help="What the user may do from now on.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Give a user another role; their sessions end."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import print_user
    from munshi.domain.audit import COMMAND_LINE
    from munshi.domain.roles import Role

    with open_desk() as services:
        user = services.people.users.set_role(name, Role.of(role), actor=COMMAND_LINE)
    print_user(user, f"{user.username} is {user.role.word} now.", as_json=as_json)


@users_app.command()
def disable(name: Name, *, as_json: JsonFlag = False) -> None:
    """Let a user in no more: sessions end, API keys open nothing."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import print_user
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        user = services.people.users.disable(name, actor=COMMAND_LINE)
    again = f"{user.username} gets in no more. Undo it: munshi users enable {user.username}"
    print_user(user, again, as_json=as_json)


@users_app.command()
def enable(name: Name, *, as_json: JsonFlag = False) -> None:
    """Let a disabled user in again."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import print_user
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        user = services.people.users.enable(name, actor=COMMAND_LINE)
    print_user(user, f"{user.username} may sign in again.", as_json=as_json)


@users_app.command("reset-password")
def reset_password(
    name: Name, *, ask_password: AskPassword = False, as_json: JsonFlag = False
) -> None:
    """End a user's password and sessions, and print a link to choose another."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import print_invitation, print_user, typed_password
    from munshi.domain.audit import COMMAND_LINE

    password = typed_password() if ask_password else None
    with open_desk() as services:
        users = services.people.users
        if password is None:
            made = users.reset_password(name, actor=COMMAND_LINE)
            print_invitation(services, made, as_json=as_json)
            return
        user = users.set_password(name, password, actor=COMMAND_LINE)
    print_user(user, f"{user.username} has the new password.", as_json=as_json)


@users_app.command("reset-2fa")
def reset_second_factor(name: Name, *, as_json: JsonFlag = False) -> None:
    """End the second factor of a user who lost it, and their sessions."""
    from munshi.cli.desk import open_desk
    from munshi.cli.people_output import print_user
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        user = services.people.users.reset_second_factor(name, actor=COMMAND_LINE)
    print_user(user, f"{user.username} signs in with the password alone now.", as_json=as_json)


@users_app.command()
def remove(name: Name, *, yes: Yes = False) -> None:
    """Remove a user with sessions and API keys; what the audit trail says stays."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        user = services.people.users.get(name)
        if not yes:
            typer.confirm(f"Remove {user.username}, with sessions and API keys?", abort=True)
        services.people.users.remove(name, actor=COMMAND_LINE)
    typer.echo(f"{user.username} is removed.")
