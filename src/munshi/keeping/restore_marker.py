"""The note in a home that a restore into it has begun and not ended."""

import json
from dataclasses import dataclass
from pathlib import Path

from munshi.errors import RestoreUnfinishedError
from munshi.infrastructure.platform import flush_directory, write_private

MARKER = "restore-unfinished.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRestore:
    """Which backup was being restored."""

    backup_id: str
    file: str


def find_marker(home: Path) -> UnfinishedRestore | None:
    try:
        document = json.loads((home / MARKER).read_text("utf-8"))
        return UnfinishedRestore(backup_id=document["backup_id"], file=document["file"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return UnfinishedRestore(backup_id="", file="FILE")


def refuse_unfinished(home: Path) -> None:
    """Raises RestoreUnfinishedError: what is half there must not be worked with."""
    marker = find_marker(home)
    if marker is not None:
        raise RestoreUnfinishedError(
            f"A restore of {marker.file} into {home} was cut short, so not everything is there.",
            hint=f"Run again: munshi backup restore {marker.file} --into {home}",
        )


def write_marker(home: Path, *, backup_id: str, file: Path) -> None:
    content = json.dumps({"backup_id": backup_id, "file": str(file.absolute())})
    write_private(home / MARKER, content.encode(), replace=True)


def remove_marker(home: Path) -> None:
    (home / MARKER).unlink()
    flush_directory(home)
