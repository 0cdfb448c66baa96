"""`munshi alerts`: what a person should look at."""

from typing import Annotated

import typer

from munshi.cli.alert_channels import channels_app, try_channel
from munshi.cli.output import JsonFlag, print_json, print_mode, print_table, show_instant

alerts_app = typer.Typer(
    help="Show what a person should look at, and where it is told.", invoke_without_command=True
)
AlertArgument = Annotated[str, typer.Argument(help="The alert's fingerprint or id.")]
Everything = Annotated[bool, typer.Option("--all", help="Resolved ones too, newest first.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many, with --all.")]


@alerts_app.callback()
def show_alerts(
    context: typer.Context,
    *,
    everything: Everything = False,
    limit: Limit = 50,
    as_json: JsonFlag = False,
) -> None:
    """Show open alerts, oldest first."""
    if context.invoked_subcommand is None:
        _show_alerts(everything=everything, limit=limit, as_json=as_json)


@alerts_app.command("list")
def list_alerts(
    *, everything: Everything = False, limit: Limit = 50, as_json: JsonFlag = False
) -> None:
    """The same as `munshi alerts`."""
    _show_alerts(everything=everything, limit=limit, as_json=as_json)


def _show_alerts(*, everything: bool, limit: int, as_json: bool) -> None:
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
        ("since", "severity", "state", "what", "link", "fingerprint"),
        [
            (
                show_instant(one.raised_at),
                one.severity,
                f"{one.state}, {one.acknowledged_by} looks" if one.acknowledged_by else one.state,
                one.title,
                one.link,
                one.fingerprint,
            )
            for one in found
        ],
        empty="nothing needs you." if not everything else "there were none.",
    )


@alerts_app.command("show")
def show_alert(alert: AlertArgument, *, as_json: JsonFlag = False) -> None:
    """Show one alert: what it means, and what was told of it to whom, with what answer."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        story = services.alerts.show(alert)
    if as_json:
        print_json(asdict(story))
        return
    one = story.alert
    typer.echo(f"{one.title}\n{one.severity}, {one.state}, since {show_instant(one.raised_at)}.")
    if story.rule.means:
        typer.echo(f"For today: {story.rule.means}")
    if one.acknowledged_by:
        typer.echo(f"{one.acknowledged_by} looks after it.")
    for silence in story.silences:
        typer.echo(f"Silenced until {show_instant(silence.ends_at)}: {silence.reason}")
    print_table(
        "Told",
        ("when", "channel", "state", "tries", "last answer"),
        [
            (
                show_instant(each.message.created_at),
                each.message.channel,
                each.message.state,
                each.message.tries,
                each.deliveries[-1].answer if each.deliveries else "",
            )
            for each in story.messages
        ],
        empty="nobody was told.",
    )


@alerts_app.command("ack")
def acknowledge(alert: AlertArgument) -> None:
    """Say that somebody looks after an alert; it is not told again until it is over."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        services.alerts.acknowledge(alert, actor=COMMAND_LINE)
    typer.echo(f"{alert} is acknowledged.")


@alerts_app.command("resolve")
def resolve_alert(alert: AlertArgument) -> None:
    """Put an open alert away; it comes back when its cause is noticed again."""
    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE

    with open_desk() as services:
        services.alerts.resolve(alert, actor=COMMAND_LINE)
    typer.echo(f"{alert} is resolved.")


@alerts_app.command("silence")
def silence(
    pattern: Annotated[
        str, typer.Argument(help="A fingerprint or a kind; stars allowed: 'job_dead:*'.")
    ],
    *,
    span: Annotated[str, typer.Option("--for", help="For how long: 30m, 2h, 7d.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever wonders.")],
) -> None:
    """Tell nobody of some alerts for a while; they still fire, and are shown."""
    from munshi.cli.desk import open_desk
    from munshi.cli.spans import read_span
    from munshi.domain.audit import COMMAND_LINE

    lasting = read_span(span)
    with open_desk() as services:
        made = services.alerts.silence(
            pattern, reason=reason, ends_at=services.clock.now() + lasting, actor=COMMAND_LINE
        )
    typer.echo(
        f"Silenced until {show_instant(made.ends_at)}. End it: munshi alerts unsilence "
        f"{made.silence_id}"
    )


@alerts_app.command("unsilence")
def end_silence(
    silence_id: Annotated[str, typer.Argument(help="As `munshi alerts silences` shows it.")],
) -> None:
    """End a silence now; what still fires is told then."""
    from uuid import UUID

    from munshi.cli.desk import open_desk
    from munshi.domain.audit import COMMAND_LINE
    from munshi.errors import AlertSilenceUnknownError

    try:
        row = UUID(silence_id)
    except ValueError:
        raise AlertSilenceUnknownError(
            f"There is no silence {silence_id[:40]!r}.",
            hint="List them with `munshi alerts silences`.",
        ) from None
    with open_desk() as services:
        services.alerts.end_silence(row, actor=COMMAND_LINE)
    typer.echo("It has ended.")


@alerts_app.command("silences")
def list_silences(*, as_json: JsonFlag = False) -> None:
    """List silences in force."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.alerts.list_silences()
    if as_json:
        print_json([asdict(each) for each in found])
        return
    print_table(
        "Silences",
        ("about", "until", "why", "by", "id"),
        [
            (
                each.pattern,
                show_instant(each.ends_at),
                each.reason,
                each.created_by,
                str(each.silence_id),
            )
            for each in found
        ],
        empty="nothing is silenced.",
    )


@alerts_app.command("rules")
def list_rules(*, as_json: JsonFlag = False) -> None:
    """List what fires, when; munshi config set alerts alert.NAME changes one."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk

    with open_desk() as services:
        found = services.alerts.list_rules()
    if as_json:
        print_json([asdict(each) for each in found.values()])
        return
    print_table(
        "Rules",
        ("name", "severity", "in force", "for", "keeps firing", "looks at"),
        [
            (
                each.name,
                each.severity,
                "yes" if each.is_enabled else "no",
                f"{each.policy.lasting.total_seconds():.0f} s",
                f"{each.policy.keep_firing.total_seconds():.0f} s",
                f"{each.when.source} {each.when.names}" if each.when else "what the desk notices",
            )
            for each in found.values()
        ],
    )


@alerts_app.command("brief")
def show_brief(
    *,
    evening: Annotated[bool, typer.Option("--evening", help="What became of the day.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the brief of the morning as channels would get it; exit code 1 if not ready."""
    from dataclasses import asdict

    from munshi.cli.desk import open_desk
    from munshi.domain.briefs import evening_body, morning_body

    with open_desk() as services:
        if evening:
            day = services.briefs.summary()
            if as_json:
                print_json({"headline": day.headline, **asdict(day)})
            else:
                typer.echo(f"{day.headline}\n\n{evening_body(day)}")
            return
        found = services.briefs.readiness()
    if as_json:
        print_json({"headline": found.headline, **asdict(found)})
    else:
        typer.echo(f"{found.headline}\n\n{morning_body(found)}")
    if not found.verdict.is_ready:
        raise typer.Exit(1)


alerts_app.command("test")(try_channel)
alerts_app.add_typer(channels_app, name="channels")
