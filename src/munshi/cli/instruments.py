"""`munshi instruments`: what the brokers list and listed, and which of it is the same."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag

instruments_app = typer.Typer(
    help="Instruments: load the brokers' lists, look them up as of a day, see what does not match.",
    no_args_is_help=True,
)
Named = Annotated[
    str, typer.Argument(metavar="INSTRUMENT", help="NIFTY, NSE:RELIANCE, or a token.")
]
OnOption = Annotated[
    str | None, typer.Option("--on", metavar="YYYY-MM-DD", help="As of this day, IST.")
]
BrokerOption = Annotated[
    str | None, typer.Option("--broker", help="kite or breeze: INSTRUMENT is a token of theirs.")
]
ExchangeOption = Annotated[str | None, typer.Option("--exchange", help="NSE, BSE, NFO or BFO.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", help="From the page before: what comes behind it.")
]


@instruments_app.command()
def load(
    broker: Annotated[
        str | None, typer.Argument(metavar="[BROKER]", help="Only kite's or breeze's lists.")
    ] = None,
    *,
    accept_losses: bool = typer.Option(
        False, "--accept-losses", help="Also where much of what was listed is not any more."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Load the brokers' lists of today: what changed is written, what is unfit is refused."""
    from munshi.cli.desk import open_desk
    from munshi.cli.instrument_output import load_lists

    with open_desk(brokers=True) as services:
        load_lists(services, broker, accept_losses=accept_losses, as_json=as_json)


@instruments_app.command("list")
def list_them(
    *,
    query: str | None = typer.Option(None, help="Part of a symbol."),
    exchange: ExchangeOption = None,
    underlying: str | None = typer.Option(None, help="Contracts on this, such as NIFTY."),
    limit: LimitOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """List instruments of the newest lists, by exchange and symbol."""
    from munshi.cli.data_instruments import list_instruments
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        list_instruments(
            services,
            query=query,
            exchange=exchange,
            underlying=underlying,
            limit=limit,
            as_json=as_json,
        )


@instruments_app.command()
def show(
    instrument: Named,
    *,
    on: OnOption = None,
    broker: BrokerOption = None,
    exchange: ExchangeOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show one instrument with both brokers' codes, as of a day or as it is listed now."""
    from munshi.cli.desk import open_desk
    from munshi.cli.instrument_output import show_instrument

    with open_desk() as services:
        show_instrument(
            services, instrument, on=on, broker=broker, exchange=exchange, as_json=as_json
        )


@instruments_app.command()
def history(instrument: Named, *, broker: BrokerOption = None, as_json: JsonFlag = False) -> None:
    """Show from which day to which it was listed so: names, lots, ticks, tokens."""
    from munshi.cli.desk import open_desk
    from munshi.cli.instrument_output import show_history

    with open_desk() as services:
        show_history(services, instrument, broker=broker, as_json=as_json)


@instruments_app.command()
def unmapped(
    *,
    broker: Annotated[str | None, typer.Option("--broker", help="Of kite's or breeze's.")] = None,
    exchange: ExchangeOption = None,
    why: str | None = typer.Option(None, help="Only for this reason, as in the column."),
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List what one broker lists and the other does not, or not without doubt; and why."""
    from munshi.cli.desk import open_desk
    from munshi.cli.instrument_output import show_unmapped

    with open_desk() as services:
        show_unmapped(
            services,
            broker=broker,
            exchange=exchange,
            why=why,
            limit=limit,
            cursor=cursor,
            as_json=as_json,
        )
