"""Months asked for again, with a progress bar, and what came of it."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from munshi.bootstrap import Services
from munshi.cli.output import print_table
from munshi.domain.job_params import CollectionParams


def refetch_months(services: Services, wanted: CollectionParams) -> dict[str, Any]:
    """Raises what RefetchService.refetch raises."""
    columns = (BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Asking", total=100)
        return services.refetching.refetch(
            wanted,
            progress=lambda percent, said: progress.update(
                bar, completed=percent, description=said
            ),
        )


def print_refetch(report: dict[str, Any]) -> None:
    print_table(
        f"{report['instrument']} {report['interval']}, {report['label']}",
        ("month", "added", "changed", "same", "wrong, dropped"),
        [
            (one["month"], one["added"], one["changed"], one["same"], one["dropped"])
            for one in report["months"]
        ],
        empty="no month of these days is held. Collect them: munshi data collect",
    )
