"""`munshi backtest audit` and `report`: whether to believe a run, and a page to show of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from munshi.cli.backtest_sweep import backtest_app
from munshi.cli.output import JsonFlag, print_json, print_mode, print_table

__all__ = ["backtest_app"]
_RunId = Annotated[str, typer.Argument(help="A run's id, or the beginning of one.")]


@backtest_app.command("audit")
def audit_backtest(run: _RunId, *, as_json: JsonFlag = False) -> None:
    """Cut the future off day by day, and take each assumption away; what comes of it is kept."""
    from munshi.cli.backtest_output import find_run, rupees
    from munshi.cli.desk import open_desk
    from munshi.cli.job_result import result_here
    from munshi.domain.backtest.audits import AuditParams
    from munshi.domain.jobs import BACKTEST_AUDIT

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = find_run(services, run)
        told = AuditParams(run_id=found.run_id).to_json()
        done = result_here(services, BACKTEST_AUDIT, told, as_json=as_json)
        audits = services.backtest_audits.list_of(found.run_id)
        kept = next(each for each in audits if str(each.audit_id) == done["audit_id"])
    audited = kept.found
    if as_json:
        document = {"audit_id": kept.audit_id, "run_id": found.run_id, "is_clean": audited.is_clean}
        print_json({**document, **asdict(audited)})
        raise typer.Exit(0 if audited.is_clean else 1)
    print_mode(mode)
    typer.secho(f"{found.strategy} on {found.instrument}: net {rupees(audited.net)}", bold=True)
    if audited.is_clean:
        typer.echo(
            f"The future was cut off after {audited.days_cut:,} days: no decision and none of "
            f"{audited.trades_compared:,} trades compared changed."
        )
    else:
        typer.secho("THE FUTURE REACHES INTO THIS RUN. Its figures mean nothing.", fg="red")
        for peek in audited.peeks:
            typer.echo(f"Nothing after {peek.last_day}: {peek.what}")
    print_table(
        "What the profit is without each assumption",
        ("", "net", "change", "share of the profit it carries"),
        [
            (
                row.name,
                rupees(row.net),
                rupees(row.change),
                "-" if row.share is None else f"{100 * row.share:.1f} %",
            )
            for row in audited.assumptions
        ],
    )
    if not audited.is_clean:
        raise typer.Exit(1)


@backtest_app.command("report")
def report_backtest(
    run: _RunId,
    *,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one HTML file that needs nothing else.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Report a run: assumptions and warnings first, then the figures, or all in an HTML file."""
    from munshi.backtest.page import report_document, report_page
    from munshi.cli.backtest_output import find_run, print_run
    from munshi.cli.desk import open_desk
    from munshi.errors import BacktestReportUnwritableError

    with open_desk() as services:
        report = services.review.report(find_run(services, run).run_id, may_run_again=True)
        mode = services.settings.brokers.value
    if html is not None:
        try:
            html.write_text(report_page(report), encoding="utf-8")
        except OSError as error:
            raise BacktestReportUnwritableError(
                f"{html} cannot be written: {error.strerror}."
            ) from error
        typer.echo(f"Written: {html}", err=as_json)
    if as_json:
        print_json(report_document(report))
    if html is None and not as_json:
        print_mode(mode)
        print_run(report.run, report.trades, report.evidence, also=report.notes)
