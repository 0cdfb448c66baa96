"""`munshi strategy`: begin a strategy of one's own."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json

strategy_app = typer.Typer(help="Write strategies of your own.")


@strategy_app.callback()
def _group() -> None:
    """Write strategies of your own."""


@strategy_app.command("new")
def new_strategy(
    name: Annotated[str, typer.Argument(help="Like my_cross.")], *, as_json: JsonFlag = False
) -> None:
    """Write a commented example and its test into the folder of strategies."""
    from munshi.backtest.own_strategies import FOLDER
    from munshi.backtest.strategy_example import write_example
    from munshi.settings import load_settings

    strategy, test = write_example(load_settings().home / FOLDER, name)
    if as_json:
        print_json({"strategy": strategy, "test": test})
        return
    typer.echo(f"Written: {strategy}")
    typer.echo(f"Written: {test}")
    typer.echo(f"Run it: munshi backtest run {strategy.name} NSE:INFY --from … --to …")
