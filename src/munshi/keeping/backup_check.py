"""`munshi backup verify`: whether a backup is whole, with no desk and no database at hand."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from munshi.domain.backups import KEYS, Manifest
from munshi.errors import (
    BackupInvalidError,
    BackupNewerError,
    DatabaseStaleError,
    KeyBackupInvalidError,
)
from munshi.infrastructure.backup_file import BackupReader
from munshi.infrastructure.database.backup_source import check_sqlite_copy
from munshi.infrastructure.database.postgresql_programs import check_dump
from munshi.infrastructure.database.revision import refuse_newer
from munshi.infrastructure.security.key_backup import open_backup

# What is under way, bytes done, bytes in all (0 where nobody knows).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBackup:
    """A backup that is whole. What could not be looked into is False."""

    manifest: Manifest
    database_opened: bool
    keys_opened: bool


def check_backup(backup: BackupReader, passphrase: str | None, *, told: Progress) -> CheckedBackup:
    """Hash every file, open the database and, with `passphrase`, the copy of the keys.

    Raises BackupInvalidError, which names the first bad file; BackupNewerError;
    KeyBackupInvalidError for another passphrase.
    """
    manifest = backup.manifest
    _refuse_newer(manifest)
    if manifest.database.file not in {each.path for each in manifest.files}:
        raise BackupInvalidError(f"{manifest.database.file} is missing in {backup.path}.")
    if passphrase is not None:
        open_keys_copy(backup, passphrase)
    _check_files(backup, told)
    told("checking the database", 0, 0)
    return CheckedBackup(
        manifest=manifest,
        database_opened=_check_database(backup),
        keys_opened=passphrase is not None,
    )


def open_keys_copy(backup: BackupReader, passphrase: str) -> bytes:
    """The copy of the keys, proved to open and to be of this database.

    Raises BackupInvalidError, KeyBackupInvalidError.
    """
    content = backup.read(KEYS)
    ring = open_backup(content, passphrase)
    wanted = backup.manifest.database.master_key_id
    if wanted is not None and wanted not in ring.keys:
        raise KeyBackupInvalidError(
            f"{KEYS} of the backup holds no master key {wanted}, which sealed its database."
        )
    return content


def _refuse_newer(manifest: Manifest) -> None:
    try:
        refuse_newer(manifest.database.revision)
    except DatabaseStaleError:
        raise BackupNewerError(
            f"The backup's database is at revision {manifest.database.revision}, which this "
            f"version of Munshi does not know; Munshi {manifest.munshi} made it.",
            hint="Use that version of Munshi, or a later one.",
        ) from None


def _check_files(backup: BackupReader, told: Progress) -> None:
    manifest, done = backup.manifest, 0
    for each in manifest.files:
        told("checking files", done, manifest.size)
        backup.check(each)
        done += each.size
    told("checking files", done, manifest.size)
    for name in backup.strangers():
        raise BackupInvalidError(f"{name[:100]} in {backup.path} is not of this backup.")


def _check_database(backup: BackupReader) -> bool:
    manifest = backup.manifest
    file = manifest.file(manifest.database.file)
    try:
        with tempfile.TemporaryDirectory(prefix="munshi-") as folder:
            copy = Path(folder) / file.path
            backup.extract(file, copy)
            if manifest.database.kind == "sqlite":
                check_sqlite_copy(copy, revision=manifest.database.revision)
                return True
            return check_dump(copy, version=manifest.database.program)
    except OSError as error:
        raise BackupInvalidError(
            f"{file.path} cannot be looked into: {error.strerror} in {tempfile.gettempdir()}.",
            hint="Set TMPDIR to a folder with room for it.",
        ) from None
