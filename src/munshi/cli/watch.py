"""`munshi watch`: looks at a desk from another machine, because a dead desk cannot alert."""

from typing import Annotated

import typer

NOTIFY = "MUNSHI_WATCH_NOTIFY"


def watch(
    *,
    url: Annotated[
        str, typer.Option("--url", help="The desk's address: https://desk.example, or any other.")
    ],
    every: Annotated[str, typer.Option(help="How often to look: 30s, 1m.")] = "1m",
    failures: Annotated[
        int, typer.Option(min=1, max=100, help="So many failures in a row are news.")
    ] = 3,
    repeat: Annotated[str, typer.Option(help="How often it is told while it lasts.")] = "1h",
    once: Annotated[
        bool, typer.Option("--once", help="Look once, and leave with exit code 1 if it fails.")
    ] = False,
) -> None:
    """Ask a desk for its health again and again, and tell when it fails and when it is back.

    It needs no desk here. The channel to tell is read from the variable MUNSHI_WATCH_NOTIFY, an
    address as `munshi alerts channels add` takes it; without one, what is news is printed alone.
    """
    import os
    import threading

    from munshi.alerts.outside import OutsideWatch
    from munshi.cli.spans import read_span
    from munshi.clock import SystemClock
    from munshi.infrastructure.platform import stop_on_signals

    watching = OutsideWatch(
        url,
        SystemClock(),
        channel=os.environ.get(NOTIFY, ""),
        failures=1 if once else failures,
        repeat=read_span(repeat),
        say=lambda text: typer.echo(text, err=True),
    )
    pause = read_span(every).total_seconds()
    if once:
        trouble = watching.look()
        typer.echo(trouble or "It is well.")
        raise typer.Exit(1 if trouble else 0)
    stop = threading.Event()
    with stop_on_signals(stop.set):
        typer.echo(f"Looks every {every}; Ctrl-C stops.", err=True)
        watching.look()
        while not stop.wait(pause):
            watching.look()
