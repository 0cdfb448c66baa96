"""`munshi health`: how every part of the desk does, now and before."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant
from munshi.domain.health import HealthSample, HealthStatus

health_app = typer.Typer(help="Show how every part of the desk does.", invoke_without_command=True)
_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red"}


@health_app.callback()
def show_health(
    context: typer.Context,
    *,
    now: bool = typer.Option(
        False, "--now", help="Check everything here and now, instead of reading the last sweep."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Show the last health sweep, with the database asked anew; exit code 1 if a part fails."""
    if context.invoked_subcommand is not None:
        return
    from munshi.cli.desk import open_desk

    with open_desk(brokers=now) as services:
        mode = services.settings.brokers.value
        report = services.health.look() if now else services.health.report()
    if as_json:
        components = [_document(sample) for sample in report.samples]
        print_json({"mode": mode, "status": report.status, "components": components})
    else:
        print_mode(mode)
        print_table(
            "",
            ("component", "status", "what was found", "errors", "last error", "checked"),
            [
                (
                    sample.component,
                    sample.status,
                    sample.finding.message,
                    sample.error_count,
                    _last_error(sample),
                    show_instant(sample.checked_at),
                )
                for sample in report.samples
            ],
        )
        typer.secho(f"The desk: {report.status}.", fg=_COLOURS.get(report.status), bold=True)
    if report.status is HealthStatus.FAIL:
        raise typer.Exit(1)


@health_app.command("history")
def show_history(
    component: Annotated[str, typer.Argument(help="As `munshi health` shows it.")],
    *,
    limit: int = typer.Option(24, min=1, max=1000, help="How many samples, and hours."),
    as_json: JsonFlag = False,
) -> None:
    """Show a component's last samples and its last hours in short, newest first."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.health.history(component, limit=limit)
    if as_json:
        print_json(
            {
                "mode": mode,
                "component": component,
                "samples": [_document(sample) for sample in found.samples],
                "hours": [asdict(hour) for hour in found.hours],
            }
        )
        return
    print_mode(mode)
    print_table(
        "Samples",
        ("checked", "status", "what was found", "ms", "errors"),
        [
            (
                show_instant(sample.checked_at),
                sample.status,
                sample.finding.message,
                _ms(sample.response_time_ms),
                sample.error_count,
            )
            for sample in found.samples
        ],
        empty="no health sweep has run yet.",
    )
    print_table(
        "Hours",
        ("from", "samples", "failures", "least ms", "mean ms", "most ms", "last error"),
        [
            (
                show_instant(hour.hour),
                hour.samples,
                hour.failures,
                _ms(hour.least_ms),
                _ms(hour.mean_ms),
                _ms(hour.most_ms),
                hour.last_error,
            )
            for hour in found.hours
        ],
        empty="none yet.",
    )


def _document(sample: HealthSample) -> dict[str, object]:
    found = sample.finding
    return {
        "component": sample.component,
        "status": found.status,
        "message": found.message,
        "value": found.value,
        "unit": found.unit,
        "facts": found.facts,
        "response_time_ms": sample.response_time_ms,
        "error_count": sample.error_count,
        "checked_at": sample.checked_at,
        "last_error": sample.last_error,
        "last_error_at": sample.last_error_at,
    }


def _last_error(sample: HealthSample) -> str:
    """What it said when it was last unwell; while it is, that is what was found."""
    if sample.is_failing or sample.last_error_at is None:
        return ""
    return f"{show_instant(sample.last_error_at)}: {sample.last_error}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
