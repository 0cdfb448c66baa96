"""`munshi config export|import`: the whole configuration as one TOML file."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_table


def export_settings(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else standard output.")
    ] = None,
    *,
    with_secrets: bool = typer.Option(
        False, "--with-secrets", help="Secrets too, in clear; audited. Needs FILE."
    ),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Write every stored setting as one TOML file that recreates the desk."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE
    from munshi.errors import ConfigExportUnwritableError
    from munshi.infrastructure.platform import write_private

    if with_secrets and file is None:
        raise typer.BadParameter("Secrets go into a file, never to standard output: name one.")
    if file is not None and file.exists():
        raise ConfigExportUnwritableError(
            f"{file} is there already.", hint="Name another, or move it away."
        )
    if with_secrets and not yes:
        typer.confirm(
            f"Write every stored secret in clear to {file}, readable by you alone?",
            abort=True,
            err=True,
        )
    with open_desk() as services:
        text = services.config_transfer.export(with_secrets=with_secrets, actor=COMMAND_LINE)
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        write_private(file, text.encode())
    except OSError as error:
        raise ConfigExportUnwritableError(
            f"{file} cannot be written: {error.strerror or 'it is there already'}."
        ) from None
    typer.echo(f"{file} is written.{' It holds secrets in clear.' if with_secrets else ''}")


def import_settings(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="- reads standard input.")],
    *,
    dry_run: bool = typer.Option(False, "--dry-run", help="Only show what would change."),
    as_json: JsonFlag = False,
) -> None:
    """Take over settings from a TOML file, all together or none; what it lacks stays."""
    from dataclasses import asdict

    from munshi.cli.config_text import read_text, spell_difference
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    text = read_text(file)
    with open_desk() as services:
        takeover = services.config_transfer.read(text)
        revision = None
        if not dry_run:
            revision = services.config_transfer.take_over(
                takeover, files=[file.name], actor=COMMAND_LINE
            )
    if as_json:
        changes = [asdict(each) for each in takeover.changes]
        print_json({"revision": revision, "changes": changes, "unchanged": takeover.unchanged})
        return
    print_table(
        "Would change" if dry_run else "Changed",
        ("setting", "before", "after"),
        map(spell_difference, takeover.changes),
        empty="nothing; everything is as the file says.",
    )
