"""What this Munshi is made of, and what is known to be wrong with it."""

import platform
import sqlite3
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from munshi.doctor.diagnosis import Diagnosis, State
from munshi.doctor.ground import DoctorGround
from munshi.infrastructure.database.sqlite_looking import has_wal_reset_bug

_PARTS = (
    *("munshi", "sqlalchemy", "alembic", "psycopg", "psycopg-binary", "mssql-python"),
    *("cryptography", "fastapi", "uvicorn", "httpx", "polars", "pydantic"),
)
_SHOWN = ("munshi", "sqlalchemy", "psycopg", "mssql-python")
_NEEDS_NONE = {"psycopg-binary", "mssql-python"}
_SQLITE_MEND = (
    "Use a Python with SQLite 3.51.3 or newer (3.44.6 and 3.50.7 are mended too), or keep the desk "
    "in PostgreSQL. Until then keep copies, and run few processes on one file."
)


def look_at_versions(_: DoctorGround) -> Iterator[Diagnosis]:
    """Munshi, Python and the libraries, as they are installed."""
    found = {name: _version(name) for name in _PARTS}
    python = platform.python_version()
    missing = [name for name, is_at in found.items() if is_at is None and name not in _NEEDS_NONE]
    said = ", ".join(f"{name} {found[name]}" for name in _SHOWN if found[name] is not None)
    if missing:
        said += f"; {', '.join(missing)} cannot be found"
    yield Diagnosis(
        what="versions",
        state=State.BROKEN if missing else State.OK,
        found=f"{said}, Python {python} on {platform.system()}.",
        mend="Install Munshi again: pip install -c constraints.txt ." if missing else None,
        facts={"python": python, "system": platform.platform(), **found},
    )


def look_at_sqlite(ground: DoctorGround) -> Iterator[Diagnosis]:
    """The SQLite that Python is linked to, which matters where it keeps the desk."""
    at = sqlite3.sqlite_version
    in_use = ground.sight.path is not None
    is_faulty = has_wal_reset_bug(sqlite3.sqlite_version_info)
    said = f"SQLite {at}"
    if is_faulty:
        said += " has the WAL-reset bug: in rare cases two writers damage the file"
    if not in_use:
        said += "; this desk does not use it"
    yield Diagnosis(
        what="SQLite library",
        state=State.WARN if is_faulty and in_use else State.OK,
        found=f"{said}.",
        mend=_SQLITE_MEND if is_faulty and in_use else None,
        facts={"version": at, "wal_reset_bug": is_faulty, "in_use": in_use},
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
