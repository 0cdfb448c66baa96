"""`munshi keys`: the keys that seal secrets, never their content."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_table, show_instant

keys_app = typer.Typer(
    help="Show, change and copy the keys that seal secrets.", no_args_is_help=True
)
CopyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The sealed copy.")]
FromStdin = Annotated[
    bool, typer.Option("--passphrase-stdin", help="Read the passphrase from standard input.")
]


@keys_app.command("show")
def show_keys(*, as_json: JsonFlag = False) -> None:
    """List the keys: ids, purposes, where they are kept, and how many values each seals."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.keys.list_keys()
    if as_json:
        print_json([asdict(each) for each in found])
        return
    print_table(
        "Keys",
        ("key", "purpose", "state", "kept", "values", "made", "retired"),
        [
            (
                each.key_id,
                each.purpose,
                each.state,
                each.source or "",
                "" if each.purpose == "master" else f"{each.values:,}",
                show_instant(each.created_at),
                show_instant(each.retired_at),
            )
            for each in found
        ],
    )


@keys_app.command("rotate")
def rotate_master_key(*, as_json: JsonFlag = False) -> None:
    """Make a new master key and wrap the data keys with it; processes that run go on."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        done = services.keys.rotate(actor=COMMAND_LINE)
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(
        f"Master key {done.new_key_id} wraps {done.data_keys} data keys now; "
        f"{done.old_key_id} is gone from the {done.source}."
    )
    typer.echo("Copies made before do not open this database. Run: munshi keys backup FILE")


@keys_app.command("reencrypt")
def reencrypt_rows(*, as_json: JsonFlag = False) -> None:
    """Make new data keys and seal every row anew; can be stopped and run again at any time."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk
    from munshi.cli.key_copies import reencrypt_showing_progress

    with open_desk() as services:
        done = reencrypt_showing_progress(services)
    if as_json:
        print_json(asdict(done))
        return
    if done.resumed:
        typer.echo("An earlier run was cut short; this one finished it.")
    typer.echo(
        f"{done.rows:,} rows sealed anew, {done.new_keys} data keys made, "
        f"{done.removed_keys} old ones removed."
    )


@keys_app.command("backup")
def back_up_keys(file: CopyFile, *, from_stdin: FromStdin = False) -> None:
    """Write the master key to FILE, sealed with a passphrase."""
    from munshi.cli.desk import open_desk
    from munshi.cli.key_copies import ask_passphrase
    from munshi.domain.audit import COMMAND_LINE

    passphrase = ask_passphrase(from_stdin=from_stdin, is_new=True)
    with open_desk() as services:
        services.keys.back_up(file, passphrase, actor=COMMAND_LINE)
    typer.echo(f"{file} holds the master key. Keep it apart from this machine, and the passphrase")
    typer.echo("apart from it. Without key and copy every login and secret must be entered again.")


@keys_app.command("check-backup")
def check_copy(file: CopyFile, *, from_stdin: FromStdin = False) -> None:
    """Say whether FILE and the passphrase would open this database."""
    from munshi.bootstrap import open_keys
    from munshi.cli.key_copies import ask_passphrase
    from munshi.settings import load_settings

    passphrase = ask_passphrase(from_stdin=from_stdin, is_new=False)
    with open_keys(load_settings()) as keys:
        key_id = keys.check_copy(file, passphrase)
    typer.echo(f"{file} holds master key {key_id}, which opens this database.")


@keys_app.command("restore")
def restore_keys(
    file: CopyFile,
    *,
    from_stdin: FromStdin = False,
    replace: bool = typer.Option(False, "--replace", help="Even if another key stands there."),
) -> None:
    """Put the master key of FILE where this desk looks for it."""
    from munshi.bootstrap import open_keys
    from munshi.cli.key_copies import ask_passphrase
    from munshi.domain.audit import COMMAND_LINE
    from munshi.settings import load_settings

    passphrase = ask_passphrase(from_stdin=from_stdin, is_new=False)
    with open_keys(load_settings()) as keys:
        done = keys.restore(file, passphrase, replace=replace, actor=COMMAND_LINE)
    if done.changed:
        typer.echo(f"Master key {done.key_id} is in {done.place} now.")
    else:
        typer.echo(f"Master key {done.key_id} was in {done.place} already.")
