"""Making, checking and restoring backups, with their progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from munshi.bootstrap.restoring import RestoredDesk, restore_backup
from munshi.cli.desk import open_desk
from munshi.cli.key_copies import ask_passphrase
from munshi.cli.output import print_json, print_table, show_instant
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.backups import Manifest
from munshi.infrastructure.backup_file import open_backup_file
from munshi.infrastructure.database.migrate import upgrade
from munshi.keeping.backup import CreatedBackup
from munshi.keeping.backup_check import CheckedBackup, check_backup
from munshi.logging_setup import configure_logging
from munshi.settings import load_settings

MB = 1_000_000
SHOWN = 20
Told = Callable[[str, int, int], None]


def create(to: Path, *, from_stdin: bool, as_json: bool) -> bool:
    """Whether the desk had all that its database names. Raises what BackupService.create raises."""
    passphrase = ask_passphrase(from_stdin=from_stdin, is_new=True)
    with open_desk() as services, _progress() as told:
        done = services.backups.create(to, passphrase, told=told, actor=COMMAND_LINE)
    if as_json:
        print_json({"file": str(done.path), "bytes": done.size, **_told_of(done.manifest)})
    else:
        _show_created(done)
    return not done.troubles


def verify(file: Path, *, with_keys: bool, from_stdin: bool, as_json: bool) -> None:
    """Raises what `check_backup` raises."""
    passphrase = ask_passphrase(from_stdin=from_stdin, is_new=False) if with_keys else None
    with open_backup_file(file) as backup, _progress() as told:
        checked = check_backup(backup, passphrase, told=told)
    if as_json:
        print_json(
            {
                "whole": True,
                "database_opened": checked.database_opened,
                "keys_opened": checked.keys_opened,
                **_told_of(checked.manifest),
            }
        )
        return
    _show_checked(file, checked)


def restore(file: Path, *, into: Path | None, from_stdin: bool, as_json: bool) -> bool:
    """Whether the restored audit trail is sound. Raises what `restore_backup` raises."""
    settings = load_settings() if into is None else load_settings(home=into.absolute())
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level)
    passphrase = ask_passphrase(from_stdin=from_stdin, is_new=False)
    with _progress() as told:
        done = restore_backup(
            settings, file, passphrase, upgrade=upgrade, told=told, actor=COMMAND_LINE
        )
    if as_json:
        print_json(
            {
                "home": str(settings.home),
                "resumed": done.resumed,
                "upgraded": done.upgraded,
                "key_place": done.key_place,
                "audit": {"sound": done.report.is_sound, **asdict(done.report)},
                **_told_of(done.manifest),
            }
        )
    else:
        _show_restored(done, settings.home, named=into is not None)
    return done.report.is_sound


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar for each step, on a terminal; a step of unknown length moves to and fro."""
    columns = (BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(
        TextColumn("  {task.description}"),
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        steps: dict[str, TaskID] = {}

        def told(step: str, done: int, total: int) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step, total=None)
            bars.update(steps[step], completed=done, total=total or None)

        yield told


def _show_created(done: CreatedBackup) -> None:
    manifest = done.manifest
    typer.echo(
        f"{done.path}: {_amount(manifest)}, {done.size / MB:,.1f} MB, with the keys sealed by "
        "your passphrase."
    )
    _show_left_out(manifest)
    typer.echo("Take it to another machine, and keep the passphrase apart from it. Check it there:")
    typer.echo(f"munshi backup verify {done.path.name} --keys")
    if done.troubles:
        count = len(done.troubles)
        which = (
            "1 file that the database names is"
            if count == 1
            else (f"{count:,} files that the database names are")
        )
        typer.secho(f"{which} gone or damaged on this desk.", fg="red", err=True)


def _show_checked(file: Path, checked: CheckedBackup) -> None:
    manifest = checked.manifest
    typer.echo(f"{file} of {show_instant(manifest.created_at)}: {_amount(manifest)}.")
    _show_left_out(manifest)
    if not checked.database_opened:
        typer.echo("The dump's hash is right; pg_restore is not here to look into it.")
    if checked.keys_opened:
        typer.echo(f"The passphrase opens master key {manifest.database.master_key_id}.")
    else:
        typer.echo("The copy of the keys was not opened; --keys asks for the passphrase.")
    typer.secho("It is whole.", fg="green")


def _show_restored(done: RestoredDesk, home: Path, *, named: bool) -> None:
    manifest, report = done.manifest, done.report
    if done.resumed:
        typer.echo("An earlier restore was cut short; this one finished it.")
    typer.echo(
        f"{_amount(manifest)} of {show_instant(manifest.created_at)} are in {home}; the master "
        f"key is in {done.key_place}."
    )
    _show_left_out(manifest)
    if done.upgraded:
        typer.echo("The database was of an older version and was upgraded.")
    typer.echo(f"{report.rows:,} sealed rows of the audit trail in {report.blocks:,} blocks.")
    if report.is_sound:
        typer.secho("Nothing was changed.", fg="green")
    else:
        typer.secho(f"NOT AS IT WAS SEALED: {report.findings[0].detail}", fg="red", err=True)
    if named:
        typer.echo(f"Use it with MUNSHI_HOME={home}")


def _show_left_out(manifest: Manifest) -> None:
    if not manifest.left_out:
        return
    shown = manifest.left_out[:SHOWN]
    print_table("Not in the backup", ("file", "why"), [(each.path, each.why) for each in shown])
    if len(manifest.left_out) > len(shown):
        typer.echo(f"and {len(manifest.left_out) - len(shown):,} more")


def _amount(manifest: Manifest) -> str:
    folders = dict.fromkeys(("candles", "artifacts", "audit"), 0)
    for each in manifest.home_files():
        folders[each.path.partition("/")[0]] += 1
    return (
        f"the database, {folders['candles']:,} candle files, {folders['artifacts']:,} files of "
        f"jobs, {folders['audit']:,} audit archives"
    )


def _told_of(manifest: Manifest) -> dict[str, object]:
    return {
        "backup_id": manifest.backup_id,
        "created_at": manifest.created_at,
        "munshi": manifest.munshi,
        "database": asdict(manifest.database),
        "files": len(manifest.files),
        "left_out": [asdict(each) for each in manifest.left_out],
    }
