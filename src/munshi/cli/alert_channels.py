"""`munshi alerts channels` and `munshi alerts test`: where alerts are told."""

from enum import StrEnum
from typing import Annotated

import typer

from munshi.cli.output import JsonFlag, print_json, print_table, show_instant

channels_app = typer.Typer(help="Where alerts are told.", no_args_is_help=True)
ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")]


class LeastSeverity(StrEnum):
    """From which severity on a channel is told."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@channels_app.command("list")
def list_channels(*, as_json: JsonFlag = False) -> None:
    """List channels; their addresses hold credentials and are not shown."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.alert_channels.list_channels()
    if as_json:
        print_json([asdict(each) for each in found])
        return
    print_table(
        "Channels",
        ("name", "kind", "from", "since", "by"),
        [
            (
                each.name,
                each.kind,
                each.least_severity,
                show_instant(each.created_at),
                each.created_by,
            )
            for each in found
        ],
        empty="alerts are told nowhere. munshi alerts channels add NAME adds one.",
    )


@channels_app.command("add")
def add_channel(
    name: ChannelName,
    *,
    least: Annotated[
        LeastSeverity, typer.Option("--from", help="The least severity that is told there.")
    ] = LeastSeverity.WARNING,
) -> None:
    """Add a channel. Its address is asked for, or read from standard input: it is a secret."""
    import sys

    from munshi.cli.desk import open_desk
    from munshi.domain.alerts import Severity
    from munshi.domain.audit import COMMAND_LINE

    if sys.stdin.isatty():
        url = typer.prompt("Address, such as tgram://TOKEN/CHAT or mailto://…", hide_input=True)
    else:
        url = sys.stdin.readline()
    with open_desk() as services:
        services.alert_channels.add(
            name, url.strip(), least_severity=Severity(least.value), actor=COMMAND_LINE
        )
    typer.echo(f"{name} is told of alerts from {least.value} on. Try it: munshi alerts test {name}")


@channels_app.command("remove")
def remove_channel(name: ChannelName) -> None:
    """Tell nothing there any more; what was sent stays on record."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        services.alert_channels.remove(name, actor=COMMAND_LINE)
    typer.echo(f"{name} is removed.")


def try_channel(name: ChannelName, *, as_json: JsonFlag = False) -> None:
    """Send a message to a channel now, and say what came back."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk
    from munshi.domain.alert_delivery import MessageState
    from munshi.domain.audit import COMMAND_LINE
    from munshi.errors import AlertDeliveryFailedError

    with open_desk() as services:
        story = services.alert_channels.test(name, actor=COMMAND_LINE)
    if as_json:
        print_json(asdict(story))
    answer = story.deliveries[-1].answer if story.deliveries else None
    if story.message.state is not MessageState.SENT:
        raise AlertDeliveryFailedError(
            f"{name} did not take it: {answer or 'another sender was faster.'}",
            hint=f"Is its address right? munshi alerts channels remove {name}, and add it again.",
        )
    if not as_json:
        typer.echo(f"{name} took it.")
