"""`munshi limits`: how far the brokers' limits are used, and how they were."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer

from munshi.cli.output import (
    JsonFlag,
    print_json,
    print_mode,
    print_table,
    show_instant,
)
from munshi.domain.rate_calls import LimitStatus

limits_app = typer.Typer(
    help="Show how far the brokers' limits are used.", invoke_without_command=True
)
_BARS = "▁▂▃▄▅▆▇█"
_NO_CALL = "·"


@limits_app.callback()
def show_limits(context: typer.Context, *, as_json: JsonFlag = False) -> None:
    """Show every limit: used and left now and today, refusals, and today's calls as a curve."""
    if context.invoked_subcommand is not None:
        return
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        mode = services.settings.brokers.value
        found = services.limits.list_limits()
        now = services.clock.now()
    if as_json:
        print_json({"mode": mode, "limits": [limit_document(status) for status in found]})
        return
    print_mode(mode)
    print_table(
        "Limits",
        ("limit", "allowed", "used", "left", "next free", "closed until", "kept"),
        [
            (
                status.name,
                f"{status.requests} in {status.seconds:g} s",
                status.used,
                status.left,
                show_instant(status.next_free),
                show_instant(status.closed_until),
                status.kept or "",
            )
            for status in found
        ],
    )
    print_table(
        f"Today, until {show_instant(found[0].resets_at)}",
        ("limit", "calls", "refused", "waited", "of the day", "left", "00:00 to now, half hours"),
        [
            (
                status.name,
                status.today.requests,
                status.today.refusals,
                status.today.waits,
                "" if status.daily is None else f"{status.daily_used} of {status.daily}",
                status.daily_left,
                bars(status.curve, upto=_half_hours(status, now)),
            )
            for status in found
        ],
    )


@limits_app.command("last-month")
def show_last_month(*, as_json: JsonFlag = False) -> None:
    """Show how the limits were used in the last whole month, and what would help."""
    from munshi.cli.desk import open_desk

    with open_desk() as services:
        report = services.limits.analyse_last_month()
    if as_json:
        print_json(report)
        return
    print_mode(report["mode"])
    typer.echo(report["summary"])
    print_table(
        f"{report['from']} to {report['to']}",
        ("limit", "allowed", "calls", "refused", "waited", "busiest minute", "fullest day"),
        [
            (
                each["name"],
                each["limit"],
                each["calls"],
                each["refusals"],
                each["waits"],
                _busiest_minute(each),
                _fullest_day(each),
            )
            for each in report["classes"]
        ],
        empty="no call.",
    )
    for sentence in report["advice"]:
        typer.echo(f"- {sentence}")


def bars(curve: Sequence[int], *, upto: int) -> str:
    """One character a point, as high as its share of the highest."""
    highest = max(curve, default=0)
    return "".join(
        _NO_CALL if not each else _BARS[(each * len(_BARS) - 1) // highest] for each in curve[:upto]
    )


def limit_document(status: LimitStatus) -> dict[str, Any]:
    """Everything that the API says of a limit, too."""
    from dataclasses import asdict

    return {**asdict(status), "left": status.left, "daily_left": status.daily_left}


def _half_hours(status: LimitStatus, now: datetime) -> int:
    left = int((status.resets_at - now).total_seconds() // 1800)
    return len(status.curve) - left


def _busiest_minute(each: dict[str, Any]) -> str:
    if "busiest_minute" not in each:
        return ""
    return f"{each['calls_in_busiest_minute']} at {each['busiest_minute']}"


def _fullest_day(each: dict[str, Any]) -> str:
    if "fullest_day" not in each:
        return ""
    return f"{each['calls_on_fullest_day']} of {each['daily_limit']} on {each['fullest_day']}"
