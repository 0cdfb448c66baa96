"""`munshi serve`: the API, and a worker beside it."""

import typer


def serve(
    host: str | None = typer.Option(None, help="Address to listen on [MUNSHI_HOST, 127.0.0.1]."),
    port: int | None = typer.Option(
        None, help="Port to listen on; 0 takes a free one [MUNSHI_PORT, 8000]."
    ),
    worker: bool = typer.Option(True, help="Run background jobs in this process too."),
    scheduler: bool = typer.Option(True, help="Start jobs by their schedules too."),
) -> None:
    """Serve the API, start what is due and run jobs, until Ctrl-C.

    With simulated brokers it starts those too, unless they run already. Running jobs get ten
    seconds when it stops; what is left is handed to the next worker.
    """
    from munshi.api.security import is_loopback
    from munshi.api.server import listen
    from munshi.cli.running import SimulatorOptions, has_users, prepare_database, running_desk
    from munshi.cli.serving import serve_until_stopped
    from munshi.logging_setup import configure_logging
    from munshi.settings import load_settings

    given = {"host": host, "port": port}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logging(settings.log_level)
    beyond = not is_loopback(settings.host)
    with listen(settings.host, settings.port, has_users=beyond and has_users(settings)) as listener:
        is_new = prepare_database(settings)
        with running_desk(settings, simulator=SimulatorOptions()) as services:
            serve_until_stopped(
                services, listener, with_worker=worker, with_scheduler=scheduler, is_new=is_new
            )
