"""pg_dump and pg_restore: found, new enough, and never told a password by their arguments."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import make_conninfo

from munshi.errors import (
    BackupFailedError,
    BackupInvalidError,
    BackupProgramMissingError,
    RestoreRefusedError,
)
from munshi.infrastructure.database.engine import Database

# Where Debian and its kin keep the programs of each version.
_FOLDERS = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def dump_database(database: Database, to: Path, *, server: int, snapshot: str) -> int:
    """Write all of the database in pg_dump's custom format; the program's major version.

    Raises BackupProgramMissingError, BackupFailedError.
    """
    program, version = find_program("pg_dump", at_least=server)
    conninfo, environment = _login(database)
    said = _run(
        [
            *(str(program), "--format=custom", "--no-password", f"--snapshot={snapshot}"),
            *(f"--file={to}", f"--dbname={conninfo}"),
        ],
        environment,
    )
    if said is not None:
        raise BackupFailedError(f"pg_dump could not copy the database: {said}")
    return version


def check_dump(path: Path, *, version: int | None) -> bool:
    """Whether a program was there to read the dump's table of contents with.

    Raises BackupInvalidError.
    """
    try:
        program, _ = find_program("pg_restore", at_least=version or 0)
    except BackupProgramMissingError:
        return False
    said = _run([str(program), "--list", str(path)], dict(os.environ))
    if said is not None:
        raise BackupInvalidError(f"{path.name} is no whole dump of a database: {said}")
    return True


def restore_dump(database: Database, path: Path, *, version: int | None) -> None:
    """Fill an empty database, in one transaction: all of it or nothing.

    Raises BackupProgramMissingError, RestoreRefusedError.
    """
    program, _ = find_program("pg_restore", at_least=version or 0)
    conninfo, environment = _login(database)
    said = _run(
        [
            *(str(program), "--single-transaction", "--exit-on-error", "--no-owner"),
            *("--no-privileges", "--no-password", f"--dbname={conninfo}", str(path)),
        ],
        environment,
    )
    if said is not None:
        raise RestoreRefusedError(
            f"pg_restore could not fill the database, in which nothing was changed: {said}",
            hint="The server must be of the version that was backed up, or a later one.",
        )


def find_program(name: str, *, at_least: int) -> tuple[Path, int]:
    """The first on the PATH, else the newest of the system, whose major version is new enough.

    Raises BackupProgramMissingError.
    """
    newest = 0
    for path in _candidates(name):
        version = _version_of(path)
        if version >= at_least and version:
            return path, version
        newest = max(newest, version)
    wanted = f"version {at_least} or later" if at_least else "PostgreSQL"
    has = f"is of version {newest}" if newest else "is not on the PATH"
    raise BackupProgramMissingError(
        f"{name} of {wanted} is needed, and {name} {has}.",
        hint=f"Install PostgreSQL's client programs (Debian: apt-get install "
        f"postgresql-client{f'-{at_least}' if at_least else ''}).",
    )


def _candidates(name: str) -> list[Path]:
    on_path = shutil.which(name)
    installed = sorted(_FOLDERS.glob(f"*/bin/{name}"), key=_folder_version, reverse=True)
    return [*([Path(on_path)] if on_path else []), *installed]


def _folder_version(path: Path) -> int:
    name = path.parent.parent.name
    return int(name) if name.isdigit() else 0


def _version_of(path: Path) -> int:
    try:
        said = subprocess.run(  # noqa: S603 - a program of PostgreSQL's
            [path, "--version"], capture_output=True, text=True, check=False, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = _VERSION.search(said)
    return int(found[1]) if found else 0


def _login(database: Database) -> tuple[str, dict[str, str]]:
    """The address as libpq spells it, and the environment, which alone has the password."""
    _, options = database.engine.dialect.create_connect_args(database.url)
    told: dict[str, str | int] = {
        name: value for name, value in options.items() if isinstance(value, (str, int))
    }
    environment = dict(os.environ)
    password = told.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **told), environment


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """The last thing the program complained of; None if it did what it should."""
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's
        list(command),
        env={**environment, "PGAPPNAME": "munshi backup"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    first = next((line for line in lines if "error:" in line), lines[-1] if lines else "")
    said = first or f"it ended with code {done.returncode}"
    password = environment.get("PGPASSWORD")
    return said.replace(password, "…") if password else said
