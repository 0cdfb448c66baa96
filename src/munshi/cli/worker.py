"""`munshi worker`: runs background jobs until it is told to stop."""

import typer


def worker(
    *,
    until_idle: bool = typer.Option(False, "--until-idle", help="Stop when nothing is left to do."),
    scheduler: bool = typer.Option(
        True, help="Start jobs by their schedules too; never with --until-idle."
    ),
) -> None:
    """Run background jobs in this process, and start what is due, until Ctrl-C."""
    import threading

    from munshi.bootstrap import JOB_TYPES
    from munshi.cli.running import (
        EXHAUSTED,
        WHY_EXHAUSTED,
        SimulatorOptions,
        prepare_database,
        running_desk,
    )
    from munshi.infrastructure.platform import stop_on_signals
    from munshi.jobs.output import route_output
    from munshi.logging_setup import configure_logging
    from munshi.settings import load_settings

    settings = load_settings()
    configure_logging(settings.log_level)
    prepare_database(settings)
    with running_desk(settings, simulator=SimulatorOptions()) as services, route_output():
        working = services.worker()
        if until_idle:
            typer.echo(f"Jobs run: {working.run_until_idle()}.")
            return
        stop = threading.Event()
        types = ", ".join(sorted(JOB_TYPES))
        queues = ", ".join(queue.name for queue in services.queues.board().queues)
        starting = services.scheduler() if scheduler else None
        sealer = services.sealer()
        sealer.start()
        alerts = services.alert_keeper()
        alerts.start()
        if starting:
            starting.start()
        try:
            with stop_on_signals(stop.set):
                typer.echo(f"This worker runs {types}, from the queues {queues}.", err=True)
                typer.echo(f"Worker {working.worker_id} waits for jobs; Ctrl-C stops.", err=True)
                working.run(stop)
        finally:
            if starting:
                starting.stop()
            alerts.stop()
            sealer.stop()
        if working.is_exhausted:
            typer.echo(WHY_EXHAUSTED, err=True)
            raise typer.Exit(EXHAUSTED)
        typer.echo("Stopped.", err=True)
