"""`munshi config import-old`: what an older install was told, taken over."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json


def import_old_install(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES…", help="The older install's folder, or single files."),
    ],
    *,
    dry_run: bool = typer.Option(False, "--dry-run", help="Only show what would change."),
    prefer: Annotated[
        list[Path] | None,
        typer.Option("--prefer", metavar="FILE", help="Whom to follow where files disagree."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Take over .env and JSON files of an older install, all together or none."""
    from munshi.cli.config_old_text import old_install_json, print_old_install
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        install = services.old_install.plan(files, prefer=prefer or ())
        if not as_json:
            print_old_install(install)
        revision = None
        if not dry_run:
            revision = services.old_install.take_over(install, actor=COMMAND_LINE)
    if as_json:
        print_json(old_install_json(install, revision))
    elif dry_run:
        typer.echo("Nothing was changed: this was a dry run.")
    elif revision is not None:
        typer.echo(f"Imported as revision {revision}.")
