"""Takes the dashboard's scripts and styles out of their npm packages: `scripts/vendor_static.py`.

Nothing is built or changed: each file is the one in the package that `npm pack` fetches. VERSION
beside it says from which package it is and what it hashes to; a test compares.
"""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent.parent / "src" / "munshi" / "dashboard" / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The files of one package, as they are named there, and the folder they go to."""

    package: str
    version: str
    licence: str
    folder: str
    files: tuple[str, ...]


WANTED = (
    Taken(
        package="htmx.org",
        version="4.0.1",
        licence="0BSD",
        folder="htmx",
        files=("dist/htmx.min.js", "dist/ext/hx-sse.min.js", "LICENSE"),
    ),
    Taken(
        package="@picocss/pico",
        version="2.1.1",
        licence="MIT",
        folder="pico",
        files=("css/pico.min.css", "LICENSE.md"),
    ),
    Taken(
        package="uplot",
        version="1.6.32",
        licence="MIT",
        folder="uplot",
        files=("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"),
    ),
    Taken(
        package="lightweight-charts",
        version="5.2.1",
        licence="Apache-2.0",
        folder="lightweight-charts",
        files=("dist/lightweight-charts.standalone.production.js", "LICENSE"),
    ),
)


def take(wanted: Taken, *, below: Path) -> None:
    """Fetch the package into a temporary folder and copy its files below `below`."""
    folder = below / wanted.folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{wanted.package} {wanted.version}, from npm, unchanged; licence {wanted.licence}"]
    with tempfile.TemporaryDirectory() as place:
        packed = subprocess.run(
            ["npm", "pack", "--json", f"{wanted.package}@{wanted.version}"],  # noqa: S607
            cwd=place,
            check=True,
            capture_output=True,
        )
        name = json.loads(packed.stdout)[0]["filename"]
        with tarfile.open(Path(place) / name) as archive:
            for path in wanted.files:
                member = archive.extractfile(f"package/{path}")
                if member is None:
                    raise SystemExit(f"{wanted.package} has no {path}.")
                content = member.read()
                (folder / Path(path).name).write_bytes(content)
                lines.append(f"{hashlib.sha256(content).hexdigest()}  {Path(path).name}")
    (folder / "VERSION").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    for wanted in WANTED:
        take(wanted, below=STATIC)
        print(f"{wanted.package} {wanted.version}")


if __name__ == "__main__":
    main()
