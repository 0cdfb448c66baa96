"""Copying a desk's database: the progress, and what is to be done afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from munshi.bootstrap import Services, open_services
from munshi.bootstrap.copying import open_copy
from munshi.cli.output import print_json, print_table
from munshi.domain.audit import COMMAND_LINE
from munshi.errors import DatabaseUnreachableError, DatabaseUrlInvalidError
from munshi.keeping.copying import Copied, DatabaseCopy
from munshi.logging_setup import configure_logging
from munshi.settings import load_settings

_VARIABLE = "MUNSHI_DATABASE_URL"


def copy_showing_progress(to: str, *, as_json: bool) -> bool:
    """Whether the copy's audit trail is sound. Raises what DatabaseCopy.copy raises."""
    settings = load_settings()
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level)
    with open_services(settings) as services, _opened(services, to) as copying:
        copied = _with_progress(copying)
    if as_json:
        print_json(_document(copied))
    else:
        _show(copied, embedded=not settings.database_url.get_secret_value())
    if not copied.trail.is_sound:
        typer.secho(
            f"THE AUDIT TRAIL IS NOT AS IT WAS SEALED: {copied.trail.findings[0].detail} Every row "
            "is as in the old database; there, too, look with: munshi audit verify",
            fg="red",
            err=True,
        )
    return copied.trail.is_sound


@contextmanager
def _opened(services: Services, to: str) -> Iterator[DatabaseCopy]:
    """Complaints about the address `to` name the option it was given in."""
    try:
        with open_copy(services, to) as copying:
            yield copying
    except (DatabaseUrlInvalidError, DatabaseUnreachableError) as error:
        hint = (error.hint or "").replace(_VARIABLE, "the address in --to")
        raise type(error)(error.detail.replace(_VARIABLE, "--to"), hint=hint or None) from error


def _with_progress(copying: DatabaseCopy) -> Copied:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    what = TextColumn("  {task.description:>11}")
    with Progress(what, *columns, console=console, transient=True) as progress:
        bars = {
            name: progress.add_task(name, total=None) for name in ("copy", "compare", "audit trail")
        }
        return copying.copy(
            actor=COMMAND_LINE,
            told=lambda name, done, total: progress.update(
                bars[name], completed=done, total=max(done, total)
            ),
        )


def _document(copied: Copied) -> dict[str, object]:
    return {
        "to": copied.place,
        "rows": copied.rows,
        "tables": copied.tables,
        "seconds": round(copied.seconds, 3),
        "trail": {"sound": copied.trail.is_sound, **asdict(copied.trail)},
    }


def _show(copied: Copied, *, embedded: bool) -> None:
    filled = [(name, f"{rows:,}") for name, rows in copied.tables.items() if rows]
    print_table("Copied", ("table", "rows"), filled)
    typer.echo(
        f"{copied.rows:,} rows in {copied.seconds:,.1f} s, each read back and compared; "
        f"{copied.trail.rows:,} audit rows in {copied.trail.blocks:,} blocks checked."
    )
    typer.echo("")
    verb = "Set" if embedded else "Change"
    typer.echo(f"{verb} {_VARIABLE} (in the environment or .env) to {copied.place}, with user and")
    typer.echo("password where it needs them, then start munshi again. Candle files, artifacts and")
    typer.echo("keys stay in MUNSHI_HOME. The old database was left as it is.")
