"""The audit trail into a file: CSV, a JSON document a line, or Parquet."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from munshi.audit.export import COLUMNS, JSON_COLUMNS, TextFormat, document, json_text, spell_rows
from munshi.audit.service import AuditExport, AuditQuery
from munshi.cli.audit import FileFormat
from munshi.cli.desk import open_desk
from munshi.cli.output import print_json
from munshi.domain.audit import COMMAND_LINE, AuditEntry
from munshi.errors import RequestInvalidError
from munshi.infrastructure.platform import private_file

_TYPES: dict[str, type] = dict.fromkeys(COLUMNS, str) | {"id": int, "timestamp": datetime}


def export(
    query: AuditQuery, *, to: Path, form: FileFormat | None, force: bool, as_json: bool
) -> None:
    """Whole or not at all, and for its owner alone.

    Raises RequestInvalidError where something is, or nothing can be written; DateRangeInvalidError.
    """
    chosen = form or _form_of(to)
    if to.exists() and not force:
        raise RequestInvalidError(f"{to} exists already.", hint="Add --force to replace it.")
    try:
        with open_desk() as services, private_file(to) as temporary:
            taken = services.audit.begin_export(query, way=f"file {chosen}", actor=COMMAND_LINE)
            written = _write(temporary, chosen, taken)
    except OSError as error:
        raise RequestInvalidError(f"{to} cannot be written: {error.strerror}.") from error
    if as_json:
        print_json({"path": str(to), "format": chosen, "rows": written})
        return
    typer.echo(f"{written:,} rows are in {to}, which only you can read.")


def _form_of(to: Path) -> FileFormat:
    ending = to.suffix.removeprefix(".").lower()
    return next((form for form in FileFormat if form == ending), FileFormat.CSV)


def _write(path: Path, form: FileFormat, taken: AuditExport) -> int:
    """How many rows were written; a bar shows how far it is."""
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(TextColumn("  audit"), *columns, console=console, transient=True) as progress:
        bar = progress.add_task("audit", total=taken.rows)
        written = 0

        def counted() -> Iterator[AuditEntry]:
            nonlocal written
            for entry in taken.entries:
                yield entry
                written += 1
                progress.update(bar, completed=written)

        if form is FileFormat.PARQUET:
            _write_parquet(path, counted())
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(spell_rows(counted(), TextFormat(form)))
        return written


def _write_parquet(path: Path, entries: Iterator[AuditEntry]) -> None:
    # Heavy, and only this format needs it.
    from munshi.infrastructure.parquet import write_parquet

    write_parquet(path, _TYPES, (_cells(entry) for entry in entries))


def _cells(entry: AuditEntry) -> tuple[object, ...]:
    """Documents as JSON text, for what they hold differs from row to row."""
    values = document(entry) | {"timestamp": entry.timestamp}
    return tuple(
        json_text(value) if name in JSON_COLUMNS and value is not None else value
        for name, value in values.items()
    )
