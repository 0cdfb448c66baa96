"""What adopting an old install would do and did, as a terminal and as JSON show it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import typer

from munshi.adoption.service import Adopted
from munshi.adoption.survey import TablePlan
from munshi.adoption.table_import import TableOutcome
from munshi.cli.config_text import spell_difference
from munshi.cli.output import print_table
from munshi.config.legacy_import import LegacyConfig
from munshi.config.legacy_settings import LegacyReading
from munshi.config.old_claims import NotTaken

_SECRETS = (
    "Whatever the old install kept in clear, tokens and passwords included, still stands in the "
    "legacy_* tables. When you need them no more: munshi db adopt --drop-legacy"
)


def print_plans(plans: Iterable[TablePlan], done: Mapping[str, int]) -> None:
    print_table(
        "Tables of the old install",
        ("table", "kept as", "rows", "taken over before", "becomes", "columns not read"),
        [
            (
                plan.table.name,
                plan.table.kept_as,
                f"{plan.table.rows:,}",
                f"{done[plan.table.kept_as]:,}" if done.get(plan.table.kept_as) else "",
                plan.becomes or f"nothing: {plan.why}",
                ", ".join(plan.left),
            )
            for plan in plans
        ],
        empty="there are none.",
    )


def plans_json(plans: Iterable[TablePlan], done: Mapping[str, int]) -> dict[str, Any]:
    return {
        "tables": [
            {
                "table": plan.table.name,
                "kept_as": plan.table.kept_as,
                "rows": plan.table.rows,
                "taken_over_before": done.get(plan.table.kept_as, 0),
                "becomes": plan.becomes or None,
                "why_not": plan.why or None,
                "columns_not_read": list(plan.left),
            }
            for plan in plans
        ]
    }


def print_settings(reading: LegacyReading | None) -> None:
    if reading is None:
        return
    print_table(
        "Settings that would be taken over",
        ("setting", "from"),
        [
            ("/".join(name), "; ".join(claim.where for claim in claims))
            for name, claims in sorted(reading.found.claims.items())
        ],
        empty="none.",
    )
    _print_left(reading.found.notes, reading.found.not_taken)


def settings_json(reading: LegacyReading | None) -> dict[str, Any]:
    if reading is None:
        return {}
    return {
        "settings": [
            {"setting": "/".join(name), "from": [claim.where for claim in claims]}
            for name, claims in sorted(reading.found.claims.items())
        ],
        "notes": list(reading.found.notes),
        "settings_not_imported": _left_json(reading.found.not_taken),
        "problems": list(reading.found.problems),
    }


def print_adopted(adopted: Adopted, *, plans: Iterable[TablePlan]) -> None:
    """What was done, what was not, and what is left to do, last, where it is seen."""
    print_planned(adopted.config)
    print_table(
        "Rows",
        ("table", "became", "rows", "imported", "imported before", "remarks"),
        [
            (
                each.table,
                each.becomes,
                f"{each.rows:,}",
                f"{each.imported:,}",
                f"{each.before:,}",
                "; ".join(_remarks(each)),
            )
            for each in adopted.tables
        ],
        empty="no jobs and no audit trail to take over.",
    )
    for plan in plans:
        if plan.left and plan.becomes:
            typer.echo(f"Columns of {plan.table.kept_as} not read: {', '.join(plan.left)}.")
        if not plan.becomes:
            typer.echo(f"{plan.table.kept_as} is kept: {plan.why}.")
    typer.secho(_SECRETS, fg="yellow")


def print_planned(config: LegacyConfig | None) -> None:
    """Each setting that becomes, or became, another one."""
    if config is None:
        return
    print_table(
        "Settings",
        ("setting", "here", "there"),
        map(spell_difference, config.takeover.changes),
        empty="nothing to change.",
    )
    _print_left(config.notes, config.not_taken)


def planned_json(config: LegacyConfig | None) -> dict[str, Any]:
    return {
        "config_changes": [asdict(each) for each in config.takeover.changes] if config else [],
        "notes": list(config.notes) if config else [],
        "settings_not_imported": _left_json(config.not_taken) if config else [],
    }


def adopted_json(adopted: Adopted) -> dict[str, Any]:
    return {
        "config_revision": adopted.config_revision,
        **planned_json(adopted.config),
        "tables": [asdict(each) for each in adopted.tables],
    }


def _print_left(notes: Iterable[str], not_taken: Iterable[NotTaken]) -> None:
    for note in notes:
        typer.echo(f"Corrected: {note}")
    print_table(
        "Settings not imported",
        ("row", "why"),
        [(each.where, each.reason) for each in not_taken],
        empty="everything was understood.",
    )


def _left_json(not_taken: Iterable[NotTaken]) -> list[dict[str, str]]:
    return [{"where": each.where, "reason": each.reason} for each in not_taken]


def _remarks(each: TableOutcome) -> list[str]:
    counted = {
        "not over there and cancelled": each.ended,
        "given a new id": each.renumbered,
        "times unreadable": each.unreadable_times,
    }
    return [f"{what}: {count:,}" for what, count in counted.items() if count]
