"""The quality of what is held: judged with a progress bar, told as tables, written as a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from munshi.bootstrap import Services
from munshi.cli.days import read_day
from munshi.cli.output import print_mode, print_table
from munshi.domain.job_params import QualityParams
from munshi.errors import ReportUnwritableError
from munshi.market.quality_page import quality_page

_DAYS_SHOWN = 5


def judge(
    services: Services,
    instruments: Sequence[str],
    *,
    interval: str | None,
    source: str | None,
    start: str | None,
    end: str | None,
) -> dict[str, Any]:
    """Raises DateRangeInvalidError, JobParametersInvalidError, and what QualityService does."""
    first, last = read_day(start), read_day(end)
    params = QualityParams.from_json(
        {
            "instruments": list(instruments),
            "interval": interval,
            "source": source,
            "from": None if first is None else first.isoformat(),
            "to": None if last is None else last.isoformat(),
        }
    )
    columns = (BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Reading", total=100)
        return services.quality.report(
            params,
            progress=lambda percent, said: progress.update(
                bar, completed=percent, description=said
            ),
        )


def write_page(file: Path, document: dict[str, Any]) -> None:
    """Raises ReportUnwritableError; a file that was there before stays then."""
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_text(quality_page(document), encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ReportUnwritableError(
            f"{file} cannot be written: {error.strerror}.", hint="Name another file: --html FILE"
        ) from error


def print_quality(document: dict[str, Any], *, page: Path | None) -> None:
    print_mode(document["mode"])
    print_table(
        "Held",
        ("instrument", "interval", "source", "from", "to", "held", "expected", "%", "whole days"),
        [_coverage(series) for series in document["series"]],
        empty="nothing yet. Collect some: munshi data collect NIFTY",
    )
    summary = document["summary"]
    if summary["missing"]:
        print_table(
            "Missing",
            ("instrument", "interval", "source", "why", "from", "to", "days", "bars", "mended by"),
            [row for series in document["series"] for row in _missing(series, document)],
        )
    if summary["flawed_by_kind"]:
        print_table(
            "Held and wrong",
            ("instrument", "interval", "source", "bars that are", "bars", "days", "mended by"),
            [row for series in document["series"] for row in _findings(series, document)],
        )
    if summary["is_clean"] and summary["series"]:
        typer.echo("Nothing is missing, and nothing is wrong.")
    if page is not None:
        typer.echo(f"The page: {page}")


def _coverage(series: dict[str, Any]) -> tuple[object, ...]:
    expected, present = series["expected"], series["present"]
    percent = f"{100 * present / expected:.1f}" if expected else ""
    days = series["days"]
    return (
        *_named(series),
        series["from"],
        series["to"],
        f"{present:,}",
        f"{expected:,}",
        percent,
        f"{days['whole']:,} of {days['trading']:,}",
    )


def _missing(series: dict[str, Any], document: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            *_named(series),
            document["reasons"][one["reason"]],
            one["from"],
            one["to"],
            one["days"],
            f"{one['bars']:,}",
            one["command"] or "",
        )
        for one in series["missing"]
    ]


def _findings(series: dict[str, Any], document: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            *_named(series),
            document["flaws"][one["flaw"]],
            f"{one['bars']:,}",
            _days(one["days"]),
            one["command"],
        )
        for one in series["findings"]
    ]


def _named(series: dict[str, Any]) -> tuple[str, str, str]:
    return series["instrument"], series["interval"], series["source"]


def _days(days: Sequence[str]) -> str:
    more = len(days) - _DAYS_SHOWN
    return ", ".join(days[:_DAYS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
