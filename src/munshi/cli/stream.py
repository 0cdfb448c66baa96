"""`munshi stream`: prices as they come, until Ctrl-C."""

from typing import Annotated

import typer

_LOOK_SECONDS = 1.0


def stream(
    instruments: Annotated[
        list[str], typer.Argument(metavar="INSTRUMENT…", help="NIFTY, NSE:RELIANCE, …")
    ],
    *,
    broker: str = typer.Option("kite", help="kite or breeze."),
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop by itself after so many seconds.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line for each new price and each gap.")
    ] = False,
) -> None:
    """Stream prices, until Ctrl-C.

    Last quotes go into the cache for `munshi quotes`, minute bars are stored as provisional
    (`munshi data provisional`), and of each minute the first quote is kept (`munshi data quotes`).
    A line that breaks is opened again; a login that ends is waited for. To have a worker stream
    all day: munshi schedule resume price_stream.
    """
    import threading

    from munshi.cli.desk import open_desk
    from munshi.cli.stream_board import open_board
    from munshi.infrastructure.platform import stop_on_signals
    from munshi.streams.job import describe
    from munshi.streams.price_stream import check_wanted, open_price_stream

    stop = threading.Event()
    with open_desk() as services, stop_on_signals(stop.set):
        wanted = check_wanted(services.streams, services.logins.of(broker).service, instruments)
        began = services.clock.monotonic()
        with (
            open_board(services.settings.brokers.value, as_json=as_json) as board,
            open_price_stream(
                services.streams, wanted, heard=board.hear, wait_for_login=True
            ) as running,
        ):
            while not stop.is_set():
                state = running.tick()
                board.show(running.quotes(), state, now=services.clock.now())
                if seconds is not None and services.clock.monotonic() - began >= seconds:
                    break
                stop.wait(_LOOK_SECONDS)
        state = running.state()
    typer.echo(describe(state), err=True)
