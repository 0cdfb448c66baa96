"""`munshi doctor`: what is wrong with this desk, and the command that mends it."""

import sys
from collections.abc import Sequence

import typer

from munshi.cli.output import JsonFlag, print_json, print_table

_COLOURS = {"ok": "green", "warn": "yellow", "broken": "red"}


def doctor(
    *,
    offline: bool = typer.Option(
        False, "--offline", help="Ask no broker; everything on this machine is looked at."
    ),
    as_json: JsonFlag = False,
) -> None:
    """Look for what is wrong with this desk, and say what mends it; changes nothing.

    Exit code 1 if something is broken; warnings do not count. It works when nothing else does.
    """
    from munshi.bootstrap.doctor import open_doctor
    from munshi.doctor.diagnosis import State
    from munshi.doctor.examination import examine, is_broken
    from munshi.logging_setup import configure_logging

    configure_logging("ERROR")
    if sys.stderr.isatty():
        typer.echo("Looking; this takes 20 seconds at most.", err=True)
    with open_doctor(offline=offline) as ground:
        mode = ground.settings.brokers.value
        found = examine(ground)
    counts = {state.value: sum(each.state is state for each in found) for state in State}
    if as_json:
        print_json(
            {
                "mode": mode,
                "state": _overall(counts),
                "counts": counts,
                "checks": [
                    {
                        "what": each.what,
                        "state": each.state,
                        "found": each.found,
                        "mend": each.mend,
                        "facts": each.facts,
                    }
                    for each in found
                ],
            }
        )
    else:
        print_table(
            "",
            ("what", "state", "what was found", "what mends it"),
            [(each.what, each.state, each.found, each.mend or "") for each in found],
        )
        overall = _overall(counts)
        typer.secho(f"The desk: {overall}{_said(counts)}.", fg=_COLOURS[overall], bold=True)
    if is_broken(found):
        raise typer.Exit(1)


def _overall(counts: dict[str, int]) -> str:
    return next((state for state in ("broken", "warn") if counts[state]), "ok")


def _said(counts: dict[str, int]) -> str:
    parts: Sequence[str] = [
        f"{counts[state]} {word}"
        for state, word in (("broken", "broken"), ("warn", "to look at"), ("skipped", "not seen"))
        if counts[state]
    ]
    return f" ({', '.join(parts)})" if parts else ""
