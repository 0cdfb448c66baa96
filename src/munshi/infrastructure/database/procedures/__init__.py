"""Stored procedures as files, one folder a dialect; a migration installs them by checksum."""

import hashlib
from importlib.resources import files

NAMES = ("sp_GetActiveSession", "sp_UpdateAuthSession", "sp_CleanupExpiredSessions")


def read(dialect: str, name: str, *, checksum: str) -> str:
    """The text of `dialect/name.sql`.

    Raises RuntimeError if the file is not the one the migration was written for.
    """
    content = (files(__name__) / dialect / f"{name}.sql").read_text("utf-8")
    found = hashlib.sha256(content.encode()).hexdigest()
    if found != checksum:
        raise RuntimeError(
            f"{dialect}/{name}.sql is not the file its migration installs (sha256 {found})"
        )
    return content
