"""`munshi alerts`: what a person should look at."""

from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

alerts_app = typer.Typer(
    help="Show what a person should look at, and put it away.", invoke_without_command=True
)


@alerts_app.callback()
def show_alerts(
    context: typer.Context,
    *,
    everything: bool = typer.Option(False, "--all", help="Resolved ones too, newest first."),
    limit: int = typer.Option(50, min=1, max=500, help="How many, with --all."),
    as_json: JsonFlag = False,
) -> None:
    """Show open alerts, oldest first."""
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.alerts.list_recent(limit) if everything else services.alerts.list_open()
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_mode(mode)
    print_table(
        "Alerts",
        ("raised", "severity", "state", "what", "link", "fingerprint"),
        [
            (
                show_instant(one.raised_at),
                one.severity,
                one.state,
                one.title,
                one.link,
                one.fingerprint,
            )
            for one in found
        ],
        empty="nothing needs you." if not everything else "there were none.",
    )


@alerts_app.command("resolve")
def resolve_alert(
    alert: Annotated[str, typer.Argument(help="The alert's fingerprint or id.")],
) -> None:
    """Put an open alert away; it comes back when its cause is noticed again."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        services.alerts.resolve(alert, actor=COMMAND_LINE)
    typer.echo(f"{alert} is resolved.")
