"""`munshi ml`: whether a model can tell a backtest's good trades from its bad ones."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

ml_app = typer.Typer(help="Validate models on the trades of a backtest, and see what they can do.")
_ValidationId = Annotated[str, typer.Argument(help="A validation's id, or the beginning of one.")]


@ml_app.command("validate")
def validate(
    *,
    run: Annotated[str, typer.Option("--run", help="The backtest whose trades are the samples.")],
    model: str = typer.Option(
        "logistic",
        help="logistic, hist_gradient_boosting, lightgbm, FILE.py:NAME of the folder `models` of "
        "the home, or entry:NAME of a package.",
    ),
    signal: str = typer.Option("all", help="Only trades of this signal."),
    start: Annotated[str, typer.Option("--from", help="The first day, like 2024-06-03.")] = "",
    end: Annotated[str, typer.Option("--to", help="The last day.")] = "",
    splits: str = typer.Option("walk_forward", help="How samples are split."),
    folds: int = typer.Option(10, help="Tests that are walked forward over."),
    purged_folds: int = typer.Option(10, help="Of which each pair is a purged split."),
    threshold: float = typer.Option(0.5, help="The probability from which a trade is taken."),
    seed: int = typer.Option(0, help="For whatever is drawn."),
    features: str = typer.Option("", help="Your own: FILE.py:NAME or entry:NAME."),
    as_json: JsonFlag = False,
) -> None:
    """Validate a model; the result is stored and never overwritten."""
    from uuid import UUID

    from munshi.cli.backtest_output import find_run
    from munshi.cli.desk import open_desk
    from munshi.cli.job_result import result_here
    from munshi.cli.ml_output import print_validation, validation_document
    from munshi.domain.jobs import ML_VALIDATION

    asked = {
        "model_type": model,
        "signal_type": signal,
        "from": start or None,
        "to": end or None,
        "splits": splits,
        "folds": folds,
        "purged_folds": purged_folds,
        "threshold": threshold,
        "seed": seed,
        "features": features or None,
    }
    with open_desk() as services:
        mode = services.settings.brokers.value
        wanted = {"run_id": str(find_run(services, run).run_id), **asked}
        done = result_here(services, ML_VALIDATION, wanted, as_json=as_json)
        found = services.validations.get(UUID(str(done["validation_id"])))
    if as_json:
        print_json(validation_document(found))
        return
    print_mode(mode)
    print_validation(found)


@ml_app.command("list")
def list_validations(
    *,
    model: str = typer.Option("", help="Only of this model."),
    signal: str = typer.Option("", help="Only of this signal."),
    instrument: str = typer.Option("", help="Only on this instrument, like NSE:INFY."),
    verdict: Annotated[str, typer.Option(help="Only with this verdict, like 'no edge'.")] = "",
    limit: int = typer.Option(20, min=1, max=500, help="How many."),
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="From the page before: what comes behind it.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what was validated, newest first."""
    from munshi.cli.desk import open_desk
    from munshi.cli.ml_output import number, read_verdict, validation_document
    from munshi.domain.validation.runs import ValidationFilter

    chosen = ValidationFilter(
        model_type=model,
        signal_type=signal,
        instrument=instrument,
        verdict=read_verdict(verdict),
    )
    with open_desk() as services:
        page = services.validations.page(cursor=cursor, limit=limit, chosen=chosen)
        mode = services.settings.brokers.value
    runs = page.rows
    if as_json:
        shown = [validation_document(run) for run in runs]
        print_json({"validations": shown, "next_cursor": page.next_cursor})
        return
    print_mode(mode)
    print_table(
        "Model validations",
        ("validation", "when", "model", "signals", "instrument", "judged", "AUC", "verdict"),
        [
            (
                str(run.validation_id)[:8],
                show_instant(run.completed_at),
                run.model_type,
                run.signal_type,
                run.instrument,
                run.test_samples,
                number(run.roc_auc),
                run.verdict,
            )
            for run in runs
        ],
        empty="none was run. Begin with: munshi ml validate --help"
        if chosen == ValidationFilter()
        else "none fits.",
    )
    if page.next_cursor is not None:
        typer.echo(f"There are more: --cursor '{page.next_cursor}'")


@ml_app.command("show")
def show_validation(validation: _ValidationId, *, as_json: JsonFlag = False) -> None:
    """Show one validation, what it assumed first."""
    from munshi.cli.desk import open_desk
    from munshi.cli.ml_output import find_validation, print_validation, validation_document

    with open_desk() as services:
        found = find_validation(services, validation)
        mode = services.settings.brokers.value
    if as_json:
        print_json(validation_document(found))
        return
    print_mode(mode)
    print_validation(found)


@ml_app.command("report")
def report(
    validation: _ValidationId,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; validation-ID.html if not.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write one page of HTML that needs nothing else, or print all of it as JSON."""
    from munshi.cli.desk import open_desk
    from munshi.cli.ml_output import find_validation, validation_document, write_report

    with open_desk() as services:
        found = find_validation(services, validation)
        page = services.validations.report(found.validation_id)
    if as_json:
        print_json(validation_document(found))
        return
    path = output or Path(f"validation-{str(found.validation_id)[:8]}.html")
    write_report(path, page)
    typer.echo(f"Written: {path}")


@ml_app.command("export")
def export(
    validation: _ValidationId,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            envvar="MLFLOW_TRACKING_URI",
            help="MLflow: http://HOST:PORT, sqlite:///mlflow.db or a folder.",
        ),
    ],
    experiment: str = typer.Option("munshi", help="MLflow's experiment; made if there is none."),
    as_json: JsonFlag = False,
) -> None:
    """Write a validation, its report and its model to MLflow; the same again doubles nothing."""
    from munshi.cli.desk import open_desk
    from munshi.cli.ml_output import find_validation, model_if_kept
    from munshi.validation.mlflow_export import check_mlflow, export_to_mlflow, shown

    check_mlflow(to)
    with open_desk() as services:
        found = find_validation(services, validation)
        page = services.validations.report(found.validation_id)
        model, why_none = model_if_kept(services, found)
    typer.echo(f"Writing to {shown(to)} may take some seconds.", err=True)
    done = export_to_mlflow(found, uri=to, experiment=experiment, page=page, model=model)
    if as_json:
        print_json({**asdict(done), "model_missing": why_none})
        return
    how = "Written" if done.is_new else "It was there, and is as it should be"
    typer.echo(
        f"{how}: run {done.mlflow_run_id} of the experiment {done.experiment} at {done.uri}."
    )
    typer.echo(f"Files: {', '.join(done.files)}.")
    if why_none:
        typer.secho(f"Without the model: {why_none}", fg="yellow")
