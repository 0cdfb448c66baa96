"""How a sweep is shown: what to think of it first, then its trials, the best first."""

from dataclasses import asdict
from typing import Any

import typer

from munshi.backtest.sweeping import SweepShown
from munshi.cli.backtest_output import rupees, shown
from munshi.cli.output import print_table
from munshi.domain.backtest.warnings import ENOUGH


def sweep_document(found: SweepShown) -> dict[str, Any]:
    """Money in paise; the daily returns are left out."""
    trials = []
    for trial, evidence in zip(found.trials, found.evidence, strict=True):
        document = asdict(trial)
        del document["returns"]
        trials.append({**document, "evidence": asdict(evidence)})
    return {
        **asdict(found.sweep),
        "is_whole": found.is_whole,
        "overfitting_probability": found.overfitting,
        "trials": trials,
    }


def print_sweep(found: SweepShown, *, most: int = 20) -> None:
    sweep = found.sweep
    typer.secho(
        f"{sweep.strategy} on {sweep.instrument} {sweep.bar_interval}, "
        f"{sweep.from_date} to {sweep.to_date}",
        bold=True,
    )
    for assumption in sweep.assumptions:
        typer.echo(assumption)
    if not found.is_whole:
        typer.echo(
            f"{len(found.trials):,} of {sweep.trial_count:,} trials are stored. "
            f"The same command with --resume {sweep.sweep_id} runs the others."
        )
    best = found.evidence[0].deflated_sharpe if found.evidence else None
    if best is not None:
        verdict = "more than luck explains" if best >= ENOUGH else "no more than luck explains"
        typer.echo(
            f"After {found.evidence[0].trials:,} trials on this instrument the best is {verdict} "
            f"(deflated Sharpe {best:.3f})."
        )
    if found.result is None:
        typer.echo("The probability of overfitting is told once all trials are stored.")
    elif found.overfitting is None:
        typer.echo("Too few days or trials to tell the probability of overfitting.")
    else:
        typer.echo(f"Probability of overfitting: {found.overfitting:.2f}.")
    varied = list(dict.fromkeys(key for trial in found.trials for key in trial.parameters))
    names = ("trades", "sharpe", "max_drawdown", "win_rate", "costs_of_gross")
    print_table(
        f"The best {most} of {len(found.trials):,} trials"
        if len(found.trials) > most
        else "Trials",
        (*varied, "net", *(name.replace("_", " ") for name in names), "deflated sharpe"),
        [
            (
                *(trial.parameters.get(key, "") for key in varied),
                rupees(trial.net),
                *(shown(name, trial.metrics.get(name)) for name in names),
                shown("deflated_sharpe", evidence.deflated_sharpe),
            )
            for trial, evidence in list(zip(found.trials, found.evidence, strict=True))[:most]
        ],
        empty="none is stored.",
    )
    typer.echo(f"Sweep {sweep.sweep_id}.")
