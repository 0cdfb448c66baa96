"""SQLite opened by somebody who only looks: nothing is written, not even beside the file."""

import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event

_BUSY_TIMEOUT_SECONDS = 5.0
# "The WAL-reset bug" (sqlite.org/wal.html): two connections that write or fold the log back at
# the same moment can damage the file. In every version from 3.7.0 until it was found in March 2026.
_FIRST_FAULTY = (3, 7, 0)
_FIRST_MENDED = (3, 51, 3)
_MENDED_SERIES = {(3, 44): 6, (3, 50): 7}


def looking_engine(url: URL) -> Engine:
    """An engine for the file of `url`, which must exist. It is never made."""
    path = Path(url.database or "")
    engine = create_engine(url, creator=partial(_open, path), hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _open(path: Path) -> sqlite3.Connection:
    # Without the index of the log nobody has the file open, and SQLite would make one to read;
    # with it, only what is in the log too is the whole truth.
    how = "mode=ro" if _beside(path, "-shm").exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{how}",
        uri=True,
        timeout=_BUSY_TIMEOUT_SECONDS,
        check_same_thread=False,
        isolation_level=None,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def has_unread_log(path: Path) -> bool:
    """Whether there is a log that only opening the database for writing would fold in."""
    log = _beside(path, "-wal")
    return not _beside(path, "-shm").exists() and log.exists() and log.stat().st_size > 0


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether that SQLite, by its number, can damage a database that several write to."""
    if version < _FIRST_FAULTY or version >= _FIRST_MENDED:
        return False
    mended = _MENDED_SERIES.get(version[:2])
    return mended is None or version[2] < mended


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
