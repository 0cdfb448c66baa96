"""`munshi demo`: both brokers signed in, market data collected, the API serving it."""

from pathlib import Path

import typer


def demo(
    once: bool = typer.Option(False, "--once", help="Stop after the work instead of serving."),
    data: Path | None = typer.Option(
        None, help="Folder of real candles (CSV or Parquet) for the simulator to serve."
    ),
    home: Path = typer.Option(
        Path(".demo"), envvar="MUNSHI_DEMO_HOME", help="Folder for everything the demo keeps."
    ),
    port: int = typer.Option(8000, help="Port of the API."),
) -> None:
    """Try Munshi with simulated brokers, in a home of its own."""
    from contextlib import nullcontext

    from munshi.api.server import listen
    from munshi.cli.demo_work import show_summary, work
    from munshi.cli.running import SimulatorOptions, prepare_database, running_desk
    from munshi.logging_setup import configure_logging
    from munshi.settings import BrokerMode, load_settings

    settings = load_settings(
        home=home.resolve(),
        port=port,
        brokers=BrokerMode.SIMULATED,
        database_url="",
        simulator_url="",
    )
    # Its words are for people; who wants the log too says so.
    configure_logging("WARNING" if settings.log_level == "INFO" else settings.log_level)
    with nullcontext() if once else listen(settings.host, settings.port) as listener:
        prepare_database(settings, always=True)
        with running_desk(settings, simulator=SimulatorOptions(candles=data)) as services:
            done = work(services, data=data)
            show_summary(services, done)
            if listener is not None:
                from munshi.cli.serving import serve_until_stopped

                # What the demo shows is what it did; a schedule would do more, and unasked.
                serve_until_stopped(services, listener, with_scheduler=False)
