"""`munshi config history|revisions|diff|rollback`: what was, and the way back to it."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

Revision = Annotated[int, typer.Argument(min=0, metavar="REVISION")]


def show_history(
    config_type: Annotated[str, typer.Argument(metavar="TYPE")],
    key: Annotated[str, typer.Argument(metavar="KEY")],
    *,
    limit: int = typer.Option(20, min=1, max=500, help="How many changes, newest first."),
    as_json: JsonFlag = False,
) -> None:
    """Show who changed a value, when and to what."""
    from dataclasses import asdict

    from munshi.cli.config_text import spell_change
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.config_past.history(config_type, key, limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_mode(mode)
    print_table(
        f"{config_type}/{key}",
        ("version", "revision", "value", "by", "at"),
        [
            (
                one.version,
                one.revision,
                spell_change(one),
                one.updated_by,
                show_instant(one.updated_at),
            )
            for one in found
        ],
        empty="never changed.",
    )


def list_revisions(
    *,
    before: int | None = typer.Option(None, min=1, help="Only revisions below this one."),
    limit: int = typer.Option(20, min=1, max=500, help="How many revisions, newest first."),
    as_json: JsonFlag = False,
) -> None:
    """Show who changed which settings together, and when."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.config_past.revisions(before=before, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_mode(mode)
    print_table(
        "Revisions",
        ("revision", "by", "at", "settings"),
        [
            (one.revision, one.updated_by, show_instant(one.updated_at), ", ".join(one.keys))
            for one in found
        ],
        empty="nothing was ever set.",
    )


def show_diff(
    since: Annotated[int, typer.Argument(min=0, metavar="FROM", help="A revision.")],
    until: Annotated[
        int | None, typer.Argument(min=0, metavar="[TO]", help="Another; else the present.")
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show what differs between two revisions."""
    from dataclasses import asdict

    from munshi.cli.config_text import spell_difference
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.config_past.diff(since, until)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_mode(mode)
    print_table(
        "Differences",
        ("setting", "before", "after"),
        map(spell_difference, found),
        empty="none.",
    )


def roll_back(
    revision: Revision,
    config_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only this value's type…")
    ] = None,
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="…and key.")] = None,
    *,
    dry_run: bool = typer.Option(False, "--dry-run", help="Only show what would change."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    as_json: JsonFlag = False,
) -> None:
    """Bring back what stood at a revision, as a new revision; secrets stay as they are."""
    from dataclasses import asdict

    from munshi.cli.config_text import spell_difference
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    if (config_type is None) != (key is None):
        raise typer.BadParameter("TYPE and KEY belong together.")
    only = None if config_type is None or key is None else (config_type, key)
    with open_desk() as services:
        plan = services.config_past.plan_rollback(revision, only=only)
        if not as_json:
            print_table(
                f"Back to revision {revision}",
                ("setting", "now", "then"),
                map(spell_difference, plan.changes),
                empty="nothing to change.",
            )
            for one in (*plan.left, *plan.refused):
                typer.echo(f"{one.config_type}/{one.config_key} is left: {one.reason}", err=True)
        if plan.changes and not plan.refused and not dry_run and not yes:
            typer.confirm("Change these?", abort=True, err=True)
        if not dry_run:
            plan = services.config_past.rollback(
                revision, only=only, expected_revision=plan.current, actor=COMMAND_LINE
            )
    if as_json:
        print_json(asdict(plan))
    elif plan.changes and not dry_run:
        typer.echo(f"{len(plan.changes)} settings are as at revision {revision} again.")
