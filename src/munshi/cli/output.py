"""How commands print: a table for people, JSON with `--json`, the mode on top of both."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

PIPED_WIDTH = 250
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_json(document: object) -> None:
    """Instants in UTC, everything that JSON lacks as text."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def print_json_line(document: object) -> None:
    """One of several documents, in a line of its own, as soon as it is there."""
    typer.echo(json.dumps(document, ensure_ascii=False, default=_plain))
    sys.stdout.flush()


def print_table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    empty: str = "Nothing.",
) -> None:
    """A table as wide as it needs to be and may; `empty` is said where there are no rows."""
    from munshi.cli.table import draw_table

    shown = list(rows)
    if not shown:
        typer.echo(f"{title}: {empty}" if title else empty)
        return
    if title:
        typer.secho(title, bold=True)
    for line in draw_table(headings, shown, width=_width()):
        typer.echo(line)


def _width() -> int:
    """The terminal's, or COLUMNS; where nobody looks (a pipe, a file), wide enough for all."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return shutil.get_terminal_size().columns
    return PIPED_WIDTH


def print_mode(mode: str) -> None:
    """The first line of whatever a person looks at; on stderr, so that output can be piped."""
    if mode == "simulated":
        typer.secho("SIMULATED brokers: no price and no login here is real.", fg="yellow", err=True)
    else:
        typer.secho("LIVE brokers.", fg="red", err=True)


def tell_next(what: str, cursor: str | None) -> None:
    """How to see older ones; on stderr, so that output can be piped."""
    if cursor is not None:
        typer.echo(f"Older {what}: add --cursor {cursor}", err=True)


def show_instant(instant: datetime | None) -> str:
    from munshi.clock import show_ist

    return "" if instant is None else show_ist(instant)


def show_minute(instant: datetime) -> str:
    """`22 Nov 23:36`, for a column whose heading says IST."""
    from munshi.clock import IST

    return instant.astimezone(IST).strftime("%d %b %H:%M")


def _plain(value: Any) -> object:  # noqa: ANN401
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
