"""Archiving, restoring and erasing, with their progress and what came of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from munshi.audit.archive_service import ArchiveLine
from munshi.audit.archiving import Told
from munshi.cli.desk import open_desk
from munshi.cli.output import print_json, print_table, show_instant
from munshi.clock import IST
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.config_keys import ARCHIVE_AFTER_DAYS, AUDIT
from munshi.domain.ledger.archives import Archive
from munshi.errors import RequestInvalidError


def archive(before: datetime | None, *, as_json: bool) -> None:
    with open_desk() as services:
        days: int = services.config.value(AUDIT, ARCHIVE_AFTER_DAYS)
        until = _in_ist(before) or services.clock.now() - timedelta(days=days)
        with _progress() as told:
            made = services.archives.archive(before=until, actor=COMMAND_LINE, told=told)
    if as_json:
        print_json({"before": until, "archives": [_shown(each) for each in made]})
        return
    if not made:
        typer.echo(f"No sealed block is older than {show_instant(until)}.")
    for each in made:
        typer.echo(
            f"{each.rows:,} rows of blocks {each.first_block:,} to {each.last_block:,} are in "
            f"{each.name}."
        )


def show_archives(*, as_json: bool) -> None:
    with open_desk() as services:
        lines = services.archives.list_archives()
    if as_json:
        print_json([_line(each) for each in lines])
        return
    print_table(
        "Archives of the audit trail",
        ("name", "blocks", "rows", "sealed from", "until", "state", "KiB"),
        [
            (
                line.archive.name,
                f"{line.archive.first_block:,} to {line.archive.last_block:,}",
                f"{line.archive.rows:,}",
                show_instant(line.sealed_from),
                show_instant(line.sealed_until),
                _state(line.archive),
                "" if line.bytes is None else f"{-(-line.bytes // 1024):,}",
            )
            for line in lines
        ],
        empty="none; munshi audit archive makes them.",
    )


def restore(
    names: list[str], since: datetime | None, until: datetime | None, *, as_json: bool
) -> None:
    """Raises RequestInvalidError for neither names nor times, or both."""
    if bool(names) == bool(since or until):
        raise RequestInvalidError(
            "Say which archives: by name, or with --since and --until.",
            hint="See: munshi audit archives",
        )
    with open_desk() as services:
        chosen = names or services.archives.names_within(_in_ist(since), _in_ist(until))
        with _progress() as told:
            rows = services.archives.restore(chosen, actor=COMMAND_LINE, told=told)
    if as_json:
        print_json({"archives": chosen, "rows": rows})
        return
    typer.echo(f"{rows:,} rows of {len(chosen):,} archives are in the table again.")


def erase(user: str | None, value: str | None, *, as_json: bool) -> None:
    with open_desk() as services, _progress() as told:
        erased = services.archives.erase(user_id=user, value=value, actor=COMMAND_LINE, told=told)
    if as_json:
        print_json(asdict(erased))
        return
    typer.echo(
        f"{erased.values:,} personal values beside {erased.rows:,} rows are erased, "
        f"{erased.archived_rows:,} of them archived. What was signed is as it was."
    )


@contextmanager
def _progress() -> Iterator[Told]:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    text = TextColumn("  {task.description}")
    with Progress(text, *columns, console=console, transient=True) as progress:
        bar = progress.add_task("looking", total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total)

        yield told


def _in_ist(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=IST)


def _state(archive: Archive) -> str:
    if archive.dropped_at is None:
        return archive.state
    return f"{archive.state} {show_instant(archive.dropped_at)}"


def _shown(archive: Archive) -> dict[str, Any]:
    shown = asdict(archive)
    signature = shown.pop("signature")
    return {**shown, "signature": None if signature is None else signature.hex()}


def _line(line: ArchiveLine) -> dict[str, Any]:
    return {
        **_shown(line.archive),
        "sealed_from": line.sealed_from,
        "sealed_until": line.sealed_until,
        "bytes": line.bytes,
    }
