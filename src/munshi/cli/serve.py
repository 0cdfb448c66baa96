"""`munshi serve`: the API, and a worker beside it."""

import typer


def serve(
    host: str = typer.Option("", help="Address to listen on [MUNSHI_HOST, 127.0.0.1]."),
    port: int = typer.Option(-1, help="Port to listen on [MUNSHI_PORT, 8000]."),
    worker: bool = typer.Option(True, help="Run background jobs in this process too."),
) -> None:
    """Serve the API, run jobs, and in simulated mode start the simulator."""
    from munshi.api.server import listen
    from munshi.cli.running import SimulatorOptions, prepare_database, running_desk
    from munshi.cli.serving import announce, serve_until_stopped
    from munshi.logging_setup import configure_logging
    from munshi.settings import load_settings

    given = {"host": host} if host else {}
    settings = load_settings(**given, **({"port": port} if port >= 0 else {}))
    configure_logging(settings.log_level)
    with listen(settings.host, settings.port) as listener:
        prepare_database(settings)
        with running_desk(settings, simulator=SimulatorOptions()) as services:
            announce(services, listener)
            serve_until_stopped(services, listener, with_worker=worker)
