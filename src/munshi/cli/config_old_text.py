"""What taking over an older install would do, as a terminal and as JSON show it."""

from dataclasses import asdict
from typing import Any

import typer

from munshi.cli.config_text import spell, spell_difference
from munshi.cli.output import print_table
from munshi.config.old_claims import Conflict
from munshi.config.old_install import OldInstall


def print_old_install(install: OldInstall) -> None:
    """Changes, corrections, what is not taken over, and conflicts last, where they are seen."""
    print_table(
        "Settings",
        ("setting", "here", "there"),
        map(spell_difference, install.takeover.changes),
        empty="nothing to change.",
    )
    for note in install.notes:
        typer.echo(f"Corrected: {note}")
    print_table(
        "Not imported",
        ("file", "field", "why"),
        [(str(each.file), each.where, each.reason) for each in install.not_taken],
        empty="everything was understood.",
    )
    if install.conflicts:
        print_table(
            "Conflicts",
            ("setting", "file", "field", "value"),
            [
                (f"{each.config_type}/{each.config_key}", str(claim.file), claim.where, shown)
                for each in install.conflicts
                for claim, shown in zip(each.claims, _values(each), strict=True)
            ],
        )


def old_install_json(install: OldInstall, revision: int | None) -> dict[str, Any]:
    return {
        "revision": revision,
        "files": list(map(str, install.files)),
        "changes": [asdict(each) for each in install.takeover.changes],
        "unchanged": install.takeover.unchanged,
        "notes": list(install.notes),
        "not_imported": [asdict(each) for each in install.not_taken],
        "conflicts": [
            {
                "config_type": each.config_type,
                "config_key": each.config_key,
                "claims": [
                    {"file": str(claim.file), "where": claim.where}
                    | ({} if each.is_secret else {"value": claim.value})
                    for claim in each.claims
                ],
            }
            for each in install.conflicts
        ],
    }


def _values(conflict: Conflict) -> list[str]:
    if conflict.is_secret:
        return ["(secret)"] * len(conflict.claims)
    return [spell(claim.value) for claim in conflict.claims]
