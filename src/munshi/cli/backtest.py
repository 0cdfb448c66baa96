"""`munshi backtest`: strategies run over stored candles, and what came of it."""

from typing import Annotated

import typer

from munshi.cli.output import (
    JsonFlag,
    print_json,
    print_mode,
    print_table,
    show_instant,
    tell_next,
)

backtest_app = typer.Typer(help="Run strategies over stored candles, and see what came of it.")
_RunId = Annotated[str, typer.Argument(help="A run's id, or the beginning of one.")]


@backtest_app.command("run")
def run_backtest(
    strategy: Annotated[str, typer.Argument(help="Like ma_cross or short_straddle.")],
    instrument: Annotated[str, typer.Argument(help="Like NSE:INFY.")],
    *,
    start: Annotated[str, typer.Option("--from", help="The first day, like 2024-06-03.")],
    end: Annotated[str, typer.Option("--to", help="The last day.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="Of the strategy, like fast=20.")
    ] = None,
    interval: str = typer.Option("1minute", help="Length of the bars."),
    capital: str = typer.Option("1000000", help="Rupees at the start."),
    lots: int = typer.Option(1, help="Lots of every order."),
    lot_size: int = typer.Option(1, help="Units of a lot."),
    kind: str = typer.Option("", help="Whose charges: futures, intraday, delivery or options."),
    brokerage: str = typer.Option("20", help="Rupees an order."),
    slippage_bp: int = typer.Option(1, help="Basis points of the price, on every order."),
    margin_percent: int = typer.Option(
        0, help="Of the value, to hold one lot; 15 for options and 100 for all else."
    ),
    fill: str = typer.Option("next_open", help="next_open, next_close or bid_ask."),
    max_wait: int = typer.Option(60, help="Minutes of trading that an order to open may wait."),
    engine: str = typer.Option("kernel", help="kernel or nautilus."),
    confirm: bool = typer.Option(False, help="Run it again in nautilus, and tell what differs."),
    accept_holes: bool = typer.Option(False, help="Run although bars are missing."),
    source: str = typer.Option("", help="Whose bars, where several sources have them."),
    as_json: JsonFlag = False,
) -> None:
    """Run a strategy; the result is stored and never overwritten."""
    from uuid import UUID

    from munshi.cli.backtest_output import print_run, read_parameters, run_document
    from munshi.cli.desk import open_desk
    from munshi.cli.job_result import result_here
    from munshi.domain.backtest.params import BacktestParams
    from munshi.domain.jobs import BACKTEST

    wanted = BacktestParams.from_json(
        {
            "strategy": strategy,
            "parameters": read_parameters(param or []),
            "instrument": instrument,
            "from": start,
            "to": end,
            "interval": interval,
            "capital": capital,
            "lots": lots,
            "lot_size": lot_size,
            "kind": kind or None,
            "brokerage": brokerage,
            "slippage_bp": slippage_bp,
            "margin_percent": margin_percent or None,
            "fill": fill,
            "max_wait": max_wait,
            "engine": engine,
            "confirm": confirm,
            "accept_holes": accept_holes,
            "source": source or None,
        }
    )
    with open_desk() as services:
        mode = services.settings.brokers.value
        done = result_here(services, BACKTEST, wanted.to_json(), as_json=as_json)
        run_id = UUID(str(done["run_id"]))
        run, trades = services.backtests.get(run_id), services.backtests.trades(run_id)
        evidence = services.backtests.evidence(run)
    if as_json:
        print_json(run_document(run, trades, evidence))
        return
    print_mode(mode)
    print_run(run, trades, evidence)


@backtest_app.command("list")
def list_backtests(
    *,
    strategy: str = typer.Option("", help="Only of this strategy, by its whole name."),
    instrument: str = typer.Option("", help="Only on instruments whose name holds this."),
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    limit: int = typer.Option(20, min=1, max=500, help="How many."),
    as_json: JsonFlag = False,
) -> None:
    """Show what was run, newest first."""
    from munshi.cli.backtest_output import run_document, rupees, what_was_run
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        page = services.backtests.page(
            cursor=cursor, limit=limit, strategy=strategy, instrument=instrument
        )
        empty = what_was_run(services, is_filtered=bool(strategy or instrument or cursor))
        mode = services.settings.brokers.value
    if as_json:
        print_json([run_document(run) for run in page.rows])
        tell_next("backtests", page.next_cursor)
        return
    print_mode(mode)
    print_table(
        "Backtests",
        (
            "run",
            "when",
            "strategy",
            "instrument",
            "bars",
            "from",
            "to",
            "trades",
            "net",
            "engine",
            "prices",
        ),
        [
            (
                str(run.run_id)[:8],
                show_instant(run.created_at),
                run.strategy,
                run.instrument,
                run.bar_interval,
                run.from_date,
                run.to_date,
                run.metrics["trades"],
                rupees(run.net),
                run.engine if run.confirmation is None else f"{run.engine}, confirmed",
                run.label,
            )
            for run in page.rows
        ],
        empty=empty,
    )
    tell_next("backtests", page.next_cursor)


@backtest_app.command("show")
def show_backtest(run: _RunId, *, as_json: JsonFlag = False) -> None:
    """Show one run with its trades, what it assumed first."""
    from munshi.cli.backtest_output import find_run, print_run, run_document
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = find_run(services, run)
        trades = services.backtests.trades(found.run_id)
        evidence = services.backtests.evidence(found)
        mode = services.settings.brokers.value
    if as_json:
        print_json(run_document(found, trades, evidence))
        return
    print_mode(mode)
    print_run(found, trades, evidence)


@backtest_app.command("compare")
def compare_backtests(one: _RunId, other: _RunId, *, as_json: JsonFlag = False) -> None:
    """Show two runs beside each other, and what they were told differently."""
    from munshi.cli.backtest_output import comparison, find_run, shown
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        first, second = find_run(services, one), find_run(services, other)
    rows = comparison(first, second)
    if as_json:
        print_json(
            {"runs": [first.run_id, second.run_id], "rows": [list(row) for row in rows]},
        )
        return
    same = "the same" if first.result_hash == second.result_hash else "different"
    print_table(
        f"Results are {same}",
        ("", str(first.run_id)[:8], str(second.run_id)[:8]),
        [(name, shown(name, a), shown(name, b)) for name, a, b in rows],
    )
