"""`munshi backup`: everything a desk needs in one file, and a desk out of such a file."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag

backup_app = typer.Typer(
    help="Back up the desk into one file, check such a file, restore from it.",
    no_args_is_help=True,
)
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
FromStdin = Annotated[
    bool, typer.Option("--passphrase-stdin", help="Read the passphrase from standard input.")
]


@backup_app.command("create")
def create(
    *,
    to: Annotated[
        Path,
        typer.Option("--to", metavar="FOLDER|FILE", help="A folder, or a file that is not there."),
    ] = Path(),
    from_stdin: FromStdin = False,
    as_json: JsonFlag = False,
) -> None:
    """Write database, candles, job files, audit archives and sealed keys to one file.

    The desk may go on working. Exits with 1 if the desk itself lacked files; the rest is backed up.
    """
    from munshi.cli.backup_acts import create as make

    if not make(to, from_stdin=from_stdin, as_json=as_json):
        raise typer.Exit(1)


@backup_app.command("verify")
def verify(
    file: BackupFile,
    *,
    keys: Annotated[
        bool, typer.Option("--keys", help="Ask for the passphrase, and open the keys with it.")
    ] = False,
    from_stdin: FromStdin = False,
    as_json: JsonFlag = False,
) -> None:
    """Check that a backup is whole; needs no desk. Exits with 1 and names the first bad file."""
    from munshi.cli.backup_acts import verify as check

    check(file, with_keys=keys or from_stdin, from_stdin=from_stdin, as_json=as_json)


@backup_app.command("restore")
def restore(
    file: BackupFile,
    *,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="HOME", help="Instead of MUNSHI_HOME.")
    ] = None,
    from_stdin: FromStdin = False,
    as_json: JsonFlag = False,
) -> None:
    """Fill an empty home and an empty database; exits with 1 if the audit trail is not sound."""
    from munshi.cli.backup_acts import restore as put_back

    if not put_back(file, into=into, from_stdin=from_stdin, as_json=as_json):
        raise typer.Exit(1)
