"""`munshi quotes`: the last prices that are to be had."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table


def quotes(
    instruments: Annotated[
        list[str], typer.Argument(metavar="INSTRUMENT…", help="NIFTY, NSE:RELIANCE, …")
    ],
    *,
    broker: Annotated[str | None, typer.Option(help="kite or breeze; either if none.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show last quotes: of a stream that is on, else the broker is asked, within its limits."""
    from munshi.cli.desk import open_desk
    from munshi.cli.quote_text import quote_document, quote_row

    with open_desk() as services:
        mode = services.settings.brokers.value
        service = None if broker is None else services.logins.of(broker).service
        seen = services.quotes.quotes(instruments, broker=service)
    if as_json:
        print_json({"mode": mode, "quotes": [quote_document(each) for each in seen]})
        return
    print_mode(mode)
    print_table(
        "Last quotes (rupees)",
        ("instrument", "last", "change", "bid", "offer", "volume", "traded", "age", "from"),
        [quote_row(each) for each in seen],
    )
    for problem in dict.fromkeys(each.problem for each in seen if each.problem):
        typer.echo(f"Some are not current: {problem}", err=True)
