"""A job that a command asks for, waits for and shows the result of."""

from collections.abc import Mapping

import typer
from rich.console import Console

from munshi.bootstrap import Services
from munshi.cli.job_output import job_document
from munshi.cli.job_watch import run_here
from munshi.cli.output import print_json
from munshi.domain.audit import COMMAND_LINE


def result_here(
    services: Services, job_type: str, parameters: Mapping[str, object], *, as_json: bool
) -> Mapping[str, object]:
    """Work until it has ended; without a result say how it stands, and exit with 1."""
    asked = services.jobs.enqueue(job_type, parameters, actor=COMMAND_LINE)
    [job] = run_here(services, [asked], console=Console(stderr=True, highlight=False))
    if job.result_data is not None:
        return job.result_data
    if as_json:
        print_json({"mode": services.settings.brokers.value, **job_document(job)})
    else:
        typer.echo(f"Job {job.job_id} is {job.state}. {job.error_details or ''}", err=True)
    raise typer.Exit(1)
