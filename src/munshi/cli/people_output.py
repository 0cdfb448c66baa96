"""How commands about people print, and how they ask for a password."""

from dataclasses import asdict
from datetime import datetime

import typer

from munshi.bootstrap import Services
from munshi.cli.output import print_json, show_instant
from munshi.domain.people import ApiKey, User
from munshi.people.users import Invitation


def user_document(user: User) -> dict[str, object]:
    return {**asdict(user), "role": user.role.word}


def key_document(key: ApiKey) -> dict[str, object]:
    return {**asdict(key), "role": key.role.word}


def scope_text(key: ApiKey) -> str:
    """What a key opens: `operator, read only, jobs data`."""
    parts = [key.role.word]
    if key.read_only:
        parts.append("read only")
    if key.groups is not None:
        parts.append(" ".join(key.groups))
    return ", ".join(parts)


def end_text(key: ApiKey, *, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    return show_instant(key.expires_at)


def print_user(user: User, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(user_document(user))
    else:
        typer.echo(said)


def print_invitation(services: Services, made: Invitation, *, as_json: bool) -> None:
    """The link is told here and nowhere else."""
    link = None if made.token is None else services.setup_link(made.token)
    if as_json:
        print_json({**user_document(made.user), "link": link})
        return
    user = made.user
    typer.echo(f"{user.username} is {user.role.word}.")
    if link is not None:
        typer.echo(f"With this link {user.username} chooses a password, once:\n  {link}")
        typer.echo("It works while `munshi serve` runs, and is shown this once.", err=True)


def typed_password() -> str:
    """Asked for twice, and never shown."""
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
