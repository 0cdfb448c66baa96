"""`munshi backtest sweep` and `sweeps`: one strategy with many parameters, and its worth."""

from dataclasses import asdict
from typing import Annotated

import typer

from munshi.cli.backtest import backtest_app
from munshi.cli.output import (
    JsonFlag,
    print_json,
    print_mode,
    print_table,
    show_instant,
    tell_next,
)

__all__ = ["backtest_app"]


@backtest_app.command("sweep")
def sweep_backtests(
    strategy: Annotated[str, typer.Argument(help="Like ma_cross or short_straddle.")],
    instrument: Annotated[str, typer.Argument(help="Like NSE:INFY.")],
    *,
    start: Annotated[str, typer.Option("--from", help="The first day, like 2024-06-03.")],
    end: Annotated[str, typer.Option("--to", help="The last day.")],
    param: Annotated[
        list[str], typer.Option("--param", "-p", help="fast=5,10,20 or slow=30:100:10.")
    ],
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="What else a backtest is told, like interval=5minute."),
    ] = None,
    finalists: int = typer.Option(3, help="How many of the best are run again alone."),
    chunk: int | None = typer.Option(None, help="Trials of one part, which is a job: 100."),
    confirm: bool = typer.Option(False, help="Run those in nautilus, too, and tell what differs."),
    resume: str = typer.Option("", help="A sweep whose missing trials are wanted."),
    as_json: JsonFlag = False,
) -> None:
    """Try every combination of the parameters; the best are then run again alone."""
    from uuid import UUID

    from munshi.backtest.confirming import confirmation_lines
    from munshi.cli.backtest_output import read_grid, read_parameters
    from munshi.cli.backtest_sweep_output import print_sweep, sweep_document
    from munshi.cli.desk import open_desk
    from munshi.cli.job_result import result_here
    from munshi.domain.backtest.sweeps import SweepParams
    from munshi.domain.jobs import BACKTEST_SWEEP

    named = {"strategy": strategy, "instrument": instrument, "from": start, "to": end}
    wanted = SweepParams.from_json(
        {
            "base": {**_options(read_parameters(option or [])), **named},
            "grid": read_grid(param),
            "finalists": finalists,
            "confirm": confirm,
            "resume": resume or None,
            **({} if chunk is None else {"chunk": chunk}),
        }
    )
    with open_desk() as services:
        mode = services.settings.brokers.value
        done = result_here(services, BACKTEST_SWEEP, wanted.to_json(), as_json=as_json)
        found = services.sweeps.show(UUID(str(done["sweep_id"])))
        finished = done["finalists"]
        ids = finished if isinstance(finished, list) else []
        runs = [services.backtests.get(UUID(str(run_id))) for run_id in ids]
    if as_json:
        confirmed = {str(run.run_id): run.confirmation for run in runs if run.confirmation}
        print_json({**sweep_document(found), "finalists": finished, "confirmations": confirmed})
        return
    print_mode(mode)
    print_sweep(found)
    for run in runs:
        typer.echo(f"Finalist: munshi backtest show {run.run_id}")
        for line in confirmation_lines(run):
            typer.echo(f"  {line}")


@backtest_app.command("sweeps")
def show_sweeps(
    sweep: Annotated[str, typer.Argument(help="A sweep's id; without it, all are listed.")] = "",
    *,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    limit: int = typer.Option(20, min=1, max=500, help="How many."),
    as_json: JsonFlag = False,
) -> None:
    """List the sweeps, or show one with its trials, the best first."""
    from uuid import UUID

    from munshi.cli.backtest_sweep_output import print_sweep, sweep_document
    from munshi.cli.desk import open_desk
    from munshi.errors import BacktestSweepUnknownError

    with open_desk() as services:
        mode = services.settings.brokers.value
        if sweep:
            try:
                found = services.sweeps.show(UUID(sweep))
            except ValueError as error:
                raise BacktestSweepUnknownError(
                    f"There is no sweep {sweep!r}.", hint="See them: munshi backtest sweeps"
                ) from error
            if as_json:
                print_json(sweep_document(found))
                return
            print_mode(mode)
            print_sweep(found, most=limit)
            return
        page = services.sweeps.page(cursor=cursor, limit=limit)
    if as_json:
        print_json([asdict(each) for each in page.rows])
        tell_next("sweeps", page.next_cursor)
        return
    print_mode(mode)
    print_table(
        "Sweeps",
        ("sweep", "when", "strategy", "instrument", "from", "to", "trials", "prices"),
        [
            (
                each.sweep_id,
                show_instant(each.created_at),
                each.strategy,
                each.instrument,
                each.from_date,
                each.to_date,
                each.trial_count,
                each.label,
            )
            for each in page.rows
        ],
        empty="none was run. Begin with: munshi backtest sweep --help",
    )
    tell_next("sweeps", page.next_cursor)


def _options(given: dict[str, object]) -> dict[str, object]:
    """Amounts are text where a backtest is told them."""
    return {
        name: str(value) if name in {"capital", "brokerage"} else value
        for name, value in given.items()
    }
