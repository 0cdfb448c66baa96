"""`munshi calendar`: when the exchanges trade, and years that the package does not have."""

from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_table

calendar_app = typer.Typer(
    help="The market calendar: sessions, expiries and holidays of a range; add a year.",
    invoke_without_command=True,
)
From = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="Today.")]
To = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="A month later.")]


@calendar_app.callback()
def calendar(
    context: typer.Context, *, start: From = None, end: To = None, as_json: JsonFlag = False
) -> None:
    """Show sessions, expiries and holidays; the same as `munshi calendar show`."""
    if context.invoked_subcommand is None:
        show(start=start, end=end, as_json=as_json)


@calendar_app.command("import")
def import_year(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON: year, holidays, sessions.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Add a year to the calendar, or replace it, from the exchange's list.

    The file is JSON with "year", "holidays" (rows of "date", "name", "source") and
    "special_sessions" (rows of "date", "opens", "closes", "kind", "name", "source").
    """
    from munshi.cli.calendar_days import read_document
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    document = read_document(file)
    with open_desk() as services:
        year = services.calendar.import_year(document, actor=COMMAND_LINE)
    if as_json:
        print_json({"year": year})
    else:
        typer.echo(f"The market calendar now has {year} from {file.name}.")


@calendar_app.command()
def show(*, start: From = None, end: To = None, as_json: JsonFlag = False) -> None:
    """Show sessions, expiries and holidays, day by day; plain weekends are left out."""
    from munshi.cli.calendar_days import days_between
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = days_between(services, start, end)
    if as_json:
        print_json([day.document() for day in found])
        return
    print_table(
        "Market calendar, Indian time",
        (
            "day",
            "",
            "shares and indices",
            "shares with F&O",
            "futures and options",
            "holiday",
            "expires",
        ),
        [day.row() for day in found],
        empty="no trading day and no holiday in this range.",
    )
