"""`munshi backup restore`: into an empty home and an empty database, and nowhere else.

Everything is checked before anything is touched. Then a note in the home says that a restore has
begun; until it goes, no other command works there, and the same restore can be begun again.
"""

import shutil
from pathlib import Path

from munshi.clock import Clock
from munshi.domain.audit import Actor
from munshi.domain.backups import Manifest
from munshi.errors import HomeUnusableError, RestoreRefusedError, VaultKeyConflictError
from munshi.infrastructure.backup_file import BackupReader
from munshi.infrastructure.database.backup_source import identity, is_empty
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.database.postgresql_programs import find_program, restore_dump
from munshi.infrastructure.database.sqlite_files import database_path
from munshi.infrastructure.platform import flush_directory, prepare_home
from munshi.infrastructure.security.key_sources import KeySources
from munshi.keeping.backup import ENTITY
from munshi.keeping.backup_check import Progress, check_backup, open_keys_copy
from munshi.keeping.restore_marker import find_marker, write_marker
from munshi.settings import KeySource

_STAGING = ".restore"
_NAMED = 3
_BESIDE = ("-wal", "-shm", "-journal")
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mssql": "SQL Server"}


class Restoration:
    """One restore into the home and the database of the settings."""

    def __init__(
        self, backup: BackupReader, *, home: Path, database: Database, sources: KeySources
    ) -> None:
        self._backup = backup
        self._home = home
        self._database = database
        self._sources = sources
        self._file = backup.manifest.file(backup.manifest.database.file)

    def check(self, passphrase: str, *, told: Progress) -> bool:
        """Whether it goes on with one that was cut short. Touches nothing.

        Raises RestoreRefusedError, VaultKeyConflictError, VaultKeyMissingError,
        BackupProgramMissingError, and what `check_backup` raises.
        """
        manifest = self._backup.manifest
        self._refuse_other_database()
        marker = find_marker(self._home)
        resumed = marker is not None
        if marker is not None and marker.backup_id not in ("", manifest.backup_id):
            raise RestoreRefusedError(
                f"A restore of another backup, {marker.file}, into {self._home} was cut short.",
                hint="Finish that one, or empty the home and the database.",
            )
        if not resumed:
            self._refuse_full_home()
        if not self._is_database_empty() and not (resumed and self._is_database_ours()):
            raise RestoreRefusedError(
                "The database that the settings name is not empty; nothing was touched.",
                hint="Name an empty one in MUNSHI_DATABASE_URL.",
            )
        if manifest.database.kind == "postgresql":
            find_program("pg_restore", at_least=manifest.database.program or 0)
        check_backup(self._backup, passphrase, told=told)
        self._refuse_key_place()
        return resumed

    def restore(self, *, told: Progress) -> None:
        """Put database and files in place; `check` must have said that it may.

        Raises HomeUnusableError, RestoreRefusedError, BackupInvalidError.
        """
        prepare_home(self._home)
        try:
            self._begin()
            if self._is_database_empty():
                told("database", 0, 0)
                self._put_database()
            self._put_files(told)
        except OSError as error:
            raise HomeUnusableError(
                f"The backup cannot be restored to {self._home}: {error.strerror}.",
                hint="Make room there, then run the command again: it begins anew.",
            ) from error

    def keys(self, passphrase: str) -> bytes:
        """The sealed copy of the keys, as the backup holds it."""
        return open_keys_copy(self._backup, passphrase)

    # --- what must hold before -------------------------------------------------------------

    def _refuse_other_database(self) -> None:
        kind, here = self._backup.manifest.database.kind, self._database.dialect
        if kind != here:
            raise RestoreRefusedError(
                f"The backup holds a database of {_NAMES[kind]}, and the settings name one of "
                f"{_NAMES.get(here, here)}.",
                hint="Restore it to where it is from, then move it: munshi db copy.",
            )

    def _refuse_full_home(self) -> None:
        backup = self._backup.path.resolve()
        found = sorted(self._home.iterdir()) if self._home.is_dir() else []
        others = [each.name for each in found if each.resolve() != backup]
        if others or (self._home.exists() and not self._home.is_dir()):
            named = ", ".join(others[:_NAMED]) + (" and more" if len(others) > _NAMED else "")
            raise RestoreRefusedError(
                f"The home {self._home} is not empty: it holds {named or 'something else'}; "
                "nothing was touched.",
                hint="Name another one with --into, or move that one away.",
            )

    def _is_database_empty(self) -> bool:
        path = database_path(self._database)
        if path is not None:  # to open it would make it
            return not any(
                each.exists() and (each != path or each.stat().st_size)
                for each in (path, *(path.with_name(path.name + end) for end in _BESIDE))
            )
        return is_empty(self._database)

    def _is_database_ours(self) -> bool:
        """Whether what stands there is what the restore that was cut short put there."""
        manifest = self._backup.manifest.database
        ledger_id, last_audit_id = identity(self._database)
        return ledger_id == manifest.ledger_id and last_audit_id >= manifest.last_audit_id

    def _refuse_key_place(self) -> None:
        """That the master key can be put where the settings say it belongs."""
        manifest = self._backup.manifest.database
        place = self._sources.place_for(manifest.key_source)
        standing = place.read()
        if standing is None and place.source is KeySource.ENVIRONMENT:
            raise RestoreRefusedError(
                "The backed-up desk has its master key in MUNSHI_MASTER_KEY, which is not set; "
                "nothing was touched.",
                hint="Set it, or say MUNSHI_KEY_SOURCE=file to have the key of the backup there.",
            )
        if standing is not None and manifest.master_key_id not in standing.keys:
            raise VaultKeyConflictError(
                f"{place.label} holds another key, {standing.active}; nothing was touched.",
                hint="Put it aside, or name another place: MUNSHI_KEY_SOURCE.",
            )

    # --- putting in place ------------------------------------------------------------------

    def _begin(self) -> None:
        write_marker(self._home, backup_id=self._backup.manifest.backup_id, file=self._backup.path)
        for left in self._home.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _put_database(self) -> None:
        path = database_path(self._database)
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._backup.extract(self._file, path)
            flush_directory(path.parent)
            return
        staging = self._home / _STAGING
        staging.mkdir(mode=0o700)
        try:
            dump = staging / self._file.path
            self._backup.extract(self._file, dump)
            restore_dump(self._database, dump, version=self._backup.manifest.database.program)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _put_files(self, told: Progress) -> None:
        files = self._backup.manifest.home_files()
        total, done = sum(each.size for each in files), 0
        for each in files:
            told("files", done, total)
            path = self._home / each.path
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._backup.extract(each, path)
            done += each.size
        for folder in {(self._home / each.path).parent for each in files}:
            flush_directory(folder)
        told("files", done, total)


def note_restored(database: Database, clock: Clock, manifest: Manifest, *, actor: Actor) -> None:
    """Have the trail say that from here on it is a restored one, in which nobody is signed in.

    Sessions that were ended after the backup was made would else be good again.
    """
    now = clock.now()
    with database.transaction() as tx:
        ended = tx.user_sessions.revoke_everybody(now=now)
        tx.audit.log(
            ENTITY,
            "restored",
            entity_id=manifest.backup_id,
            details={
                "made_at": manifest.created_at.isoformat(),
                "files": len(manifest.files),
                "last_audit_id": manifest.database.last_audit_id,
                "sessions_ended": ended,
            },
            actor=actor,
            now=now,
        )
