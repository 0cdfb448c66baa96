"""How a model validation is shown."""

from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from munshi.bootstrap import Services
from munshi.cli.output import print_table
from munshi.domain.validation.runs import ValidationRun
from munshi.domain.validation.verdicts import Verdict
from munshi.errors import RequestInvalidError, ValidationUnknownError
from munshi.validation.report import (
    CONFUSION,
    RELIABILITY,
    baseline_rows,
    confusion_rows,
    fold_rows,
    pin_rows,
    reliability_rows,
    score_rows,
)

_LOOKED_THROUGH = 500
_FEATURES_SHOWN = 8


def find_validation(services: Services, text: str) -> ValidationRun:
    """By its id or the beginning of it. Raises ValidationUnknownError."""
    try:
        return services.validations.get(UUID(text))
    except ValueError:
        runs = services.validations.list_runs(limit=_LOOKED_THROUGH)
    found = [run for run in runs if text and str(run.validation_id).startswith(text.lower())]
    if len(found) != 1:
        what = "There is no" if not found else "There is more than one"
        raise ValidationUnknownError(
            f"{what} model validation {text!r}.", hint="See them: munshi ml list"
        )
    return found[0]


def read_verdict(text: str) -> str:
    """Raises RequestInvalidError for one that no validation comes to."""
    if text and text not in list(Verdict):
        raise RequestInvalidError(
            f"There is no verdict {text!r}.", hint=f"There are: {', '.join(Verdict)}"
        )
    return text


def model_if_kept(services: Services, run: ValidationRun) -> tuple[bytes | None, str | None]:
    """The model's file, or why there is none; one that was altered is an error.

    Raises ModelFileRefusedError for a file that is not what was stored.
    """
    if run.model_artifact is None:
        return None, "it could not be kept as a file."
    if run.job_id is None:
        return None, "its file went with its job."
    return services.validations.model_file(run), None


def validation_document(run: ValidationRun) -> dict[str, Any]:
    """Money in paise."""
    return {name: getattr(run, name) for name in run.__slots__}


def print_validation(run: ValidationRun) -> None:
    typer.secho(
        f"{run.model_type} on {run.signal_type} signals of {run.instrument} {run.bar_interval}, "
        f"{run.from_date} to {run.to_date}",
        bold=True,
    )
    typer.secho(f"{run.verdict}: {run.reason}", bold=True)
    for assumption in run.assumptions:
        typer.echo(assumption)
    print_table("Scores, walking forward", ("score", "value", "95 % interval"), score_rows(run))
    print_table("At the threshold", CONFUSION, confusion_rows(run))
    print_table("What was said, and what came true", RELIABILITY, reliability_rows(run))
    print_table(
        "Against baselines (model minus baseline)",
        ("baseline", "score", "baseline's", "difference", "95 % interval"),
        baseline_rows(run),
    )
    print_table(
        "Folds", ("from", "to", "learnt from", "left out", "judged", "AUC", "Brier"), fold_rows(run)
    )
    spread = run.spread
    typer.echo(
        f"AUC over {len(spread['paths'])} purged paths: {number(spread['low'])} to "
        f"{number(spread['high'])}, median {number(spread['median'])}."
    )
    print_table(
        "Features",
        ("feature", "AUC lost without it"),
        [(each["feature"], number(each["auc_lost"])) for each in run.importance[:_FEATURES_SHOWN]],
    )
    print_table("What it was told and made with", ("", ""), pin_rows(run))
    typer.echo(
        f"Validation {run.validation_id}, try {run.trials}, {run.duration_ms:,} ms, result "
        f"{run.result_hash[:12]}."
    )


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def write_report(path: Path, page: str) -> None:
    """Raises RequestInvalidError where nothing can be written."""
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RequestInvalidError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another: --output FILE"
        ) from error
