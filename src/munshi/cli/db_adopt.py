"""`munshi db adopt`: the tables of an old install moved aside, and what they hold taken over."""

from enum import StrEnum
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag


class Zone(StrEnum):
    IST = "ist"
    UTC = "utc"


def adopt_tables(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")
    ] = False,
    times: Annotated[Zone, typer.Option(help="The zone of old times that name none.")] = Zone.IST,
    leave: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE/KEY", help="An old setting that is not taken over."),
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE/KEY", help="A setting that is overwritten by the old one."),
    ] = None,
    drop_legacy: Annotated[
        bool,
        typer.Option("--drop-legacy", help="Drop the legacy_* tables for good, after a question."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take over an old install: its tables become legacy_*, its settings, jobs and audit ours.

    It may be run again at any time: no row is taken over twice, and a run that was stopped goes
    on where it was.
    """
    from munshi.adoption.old_times import zone_named
    from munshi.adoption.service import Choices
    from munshi.cli.db_adopt_flow import adopt, drop, look

    choices = Choices(
        leave=frozenset(name.lower() for name in leave or ()),
        replace=frozenset(name.lower() for name in replace or ()),
        naive=zone_named(times.value),
    )
    if drop_legacy:
        drop(dry_run=dry_run, as_json=as_json)
    elif dry_run:
        look(choices, as_json=as_json)
    else:
        adopt(choices, as_json=as_json)
