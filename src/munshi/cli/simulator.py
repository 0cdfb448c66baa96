"""`munshi simulator`: the simulated brokers alone."""

from pathlib import Path

import typer


def simulator(
    *,
    port: int = typer.Option(8010, help="Port to listen on; 0 takes a free one."),
    data: Path | None = typer.Option(None, help="Folder of real candles to replay."),
    home: Path | None = typer.Option(None, help="Folder for its state [MUNSHI_HOME]."),
) -> None:
    """Run the simulated brokers alone, until Ctrl-C."""
    from munshi.infrastructure.brokers.simulator.serving import ServeOptions, serve
    from munshi.infrastructure.platform import prepare_home
    from munshi.settings import load_settings

    folder = home or load_settings().home
    prepare_home(folder)
    typer.echo("SIMULATED brokers: no price and no login here is real.", err=True)
    serve(ServeOptions(home=folder, port=port, data=data))
