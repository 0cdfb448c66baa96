"""A verification as a command asks for it, sees it through and shows what came of it."""

from collections.abc import Sequence
from typing import Any

import typer

from munshi.bootstrap import Services
from munshi.cli.output import print_table
from munshi.domain.audit import COMMAND_LINE
from munshi.domain.job_params import VerificationParams
from munshi.domain.jobs import DATA_VERIFICATION, Job


def ask(services: Services, instruments: Sequence[str], *, repair: bool) -> Job:
    """Raises JobParametersInvalidError."""
    wanted = VerificationParams.from_json({"instruments": list(instruments), "repair": repair})
    return services.jobs.enqueue(DATA_VERIFICATION, wanted.to_json(), actor=COMMAND_LINE)


def print_verification(result: dict[str, Any]) -> None:
    files, damaged, repaired = result["files"], result["damaged"], result["repaired"]
    size = result["bytes"] / 1e6
    typer.echo(f"{files:,} candle files, {size:,.1f} MB, hashed against the manifest.")
    if result["findings"]:
        print_table(
            "Not what was stored",
            ("instrument", "interval", "source", "month", "what", "now", "bars before", "after"),
            [
                (
                    found["instrument"],
                    found["interval"],
                    found["source"],
                    found["month"],
                    found["cause"],
                    found["why_kept"] or found["outcome"],
                    f"{found['bars_before']:,}",
                    f"{found['bars_after']:,}" if found["outcome"] == "repaired" else "",
                )
                for found in result["findings"]
            ],
        )
    if repaired:
        typer.echo(f"Repaired: {repaired:,}.")
    if damaged:
        typer.echo(f"Damaged: {damaged:,}. From the broker: munshi data verify --repair")
    else:
        typer.echo("All of them are what was stored.")
