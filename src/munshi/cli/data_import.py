"""An import with its progress, and what came of it."""

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from munshi.bootstrap import Services
from munshi.cli.output import print_table
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.market.intervals import Interval
from munshi.market.import_report import ImportReport


def import_showing_progress(
    services: Services, file: Path, *, instrument: str | None, interval: str | None
) -> ImportReport:
    """Raises what ImportService.import_file raises."""
    columns = (BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"))
    chosen = Interval.parse(interval) if interval else None
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"Reading {file.name}", total=100)
        return services.imports.import_file(
            file,
            instrument=instrument,
            interval=chosen,
            progress=lambda percent, said: progress.update(
                bar, completed=percent, description=said
            ),
            actor=COMMAND_LINE,
        )


def print_import(report: ImportReport) -> None:
    typer.echo(f"{report.file}: {report.rows:,} rows read.")
    if report.rounded:
        typer.echo(f"{report.rounded:,} prices were finer than a hundredth of a paisa: rounded.")
    if report.ignored_columns:
        typer.echo(f"Columns not used: {', '.join(report.ignored_columns)}.")
    for series in report.series:
        typer.echo(f"\n{series.instrument}, {report.label}")
        print_table(
            "",
            ("interval", "added", "changed", "already there"),
            [
                (interval, f"{stored.added:,}", f"{stored.changed:,}", f"{stored.same:,}")
                for interval, stored in series.stored.items()
            ],
        )
        for sentence in series.sentences():
            typer.echo(sentence)
