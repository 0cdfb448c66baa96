"""`munshi backup create`: one file with everything a desk needs, made while it works.

The database is copied first, as it stood at one moment; then the files which that moment's rows
name. Until the last byte is on disk there is no file of the backup's name.
"""

import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from munshi.audit.sealer import MOST_BLOCKS, Sealer
from munshi.clock import IST, Clock
from munshi.domain.audit import Actor
from munshi.domain.backups import KEYS, BackedUpFile, LeftOutFile, Manifest
from munshi.domain.ledger.blocks import MOST_ROWS
from munshi.errors import BackupFailedError, KeyChangeConflictError
from munshi.infrastructure.backup_file import BackupWriter, SourceChangedError
from munshi.infrastructure.database.backup_source import Snapshot, copy_database, named_files
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.platform import flush_directory
from munshi.infrastructure.security.key_backup import check_passphrase, open_backup
from munshi.infrastructure.security.master_keys import opens_canary
from munshi.keeping.backup_check import Progress
from munshi.keys.service import KeyService

ENTITY = "backup"
_STAGING = ".munshi-backup"
_STALE = re.compile(re.escape(_STAGING) + r"\.(?P<node>.*)\.(?P<pid>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedBackup:
    """A backup that is on disk."""

    path: Path
    size: int
    manifest: Manifest

    @property
    def troubles(self) -> list[LeftOutFile]:
        """Files that the desk itself lacks, or that are damaged."""
        return [each for each in self.manifest.left_out if each.is_trouble]


class BackupService:
    """Makes backups. Holds no transaction while anything is copied."""

    def __init__(self, database: Database, clock: Clock, *, home: Path, keys: KeyService) -> None:
        self._database = database
        self._clock = clock
        self._home = home
        self._keys = keys

    def create(self, to: Path, passphrase: str, *, told: Progress, actor: Actor) -> CreatedBackup:
        """Back up into the file `to`, or into a file named by the time in the folder `to`.

        `passphrase` seals the copy of the master key. Raises PassphraseWeakError,
        BackupFailedError, BackupProgramMissingError, KeyChangeConflictError,
        DatabaseUnreachableError, and what opening the vault raises; there is no file then.
        """
        check_passphrase(passphrase)
        now = self._clock.now()
        target = _target(to, now)
        try:
            with _staging(target.parent) as staging:
                done = self._fill(staging, target, passphrase, now=now, told=told, actor=actor)
        except OSError as error:
            raise BackupFailedError(
                f"The backup cannot be written to {target}: {error.strerror}.",
                hint="Make room there, or name another place with --to.",
            ) from error
        self._note(done, actor)
        return done

    def _fill(
        self,
        staging: Path,
        target: Path,
        passphrase: str,
        *,
        now: datetime,
        told: Progress,
        actor: Actor,
    ) -> CreatedBackup:
        copy = staging / "database"
        told("database", 0, 0)
        self._seal()
        snapshot = copy_database(self._database, copy)
        keys = self._sealed_keys(snapshot, passphrase, actor)
        partial = staging / "backup.tar"
        with closing(BackupWriter(partial, now=now)) as writer:
            size = copy.stat().st_size
            telling = _Telling("packing the database", size, told)
            files = [writer.add(snapshot.database.file, copy, told=telling.add)]
            copy.unlink()
            files.append(writer.add_bytes(KEYS, keys))
            kept, left_out = self._add_files(writer, snapshot, told)
            manifest = Manifest(
                backup_id=secrets.token_hex(16),
                created_at=now,
                munshi=version("munshi"),
                database=snapshot.database,
                files=(*files, *kept),
                left_out=tuple(left_out),
            )
            size = writer.finish(manifest)
        _refuse_existing(target)
        partial.replace(target)
        flush_directory(target.parent)
        return CreatedBackup(path=target, size=size, manifest=manifest)

    def _seal(self) -> None:
        """Have the trail in the backup proved nearly up to its last rows, however many write.

        Where another process seals, it does this by itself.
        """
        sealer = Sealer(self._database, self._clock)
        with self._database.reading() as tx:
            waiting, _ = tx.ledger_reader.unsealed()
        for _ in range(waiting // (MOST_BLOCKS * MOST_ROWS) + 1):
            if not sealer.seal_some():
                break

    def _sealed_keys(self, snapshot: Snapshot, passphrase: str, actor: Actor) -> bytes:
        """A copy of the master key that opens the very database which was copied."""
        content = self._keys.sealed_copy(passphrase, actor=actor)
        master = snapshot.master
        if master is not None and not opens_canary(
            open_backup(content, passphrase), master.canary, key_id=master.key_id
        ):
            raise KeyChangeConflictError(
                "The master key was changed while the backup was made.",
                hint="Run the command again.",
            )
        return content

    def _add_files(
        self, writer: BackupWriter, snapshot: Snapshot, told: Progress
    ) -> tuple[list[BackedUpFile], list[LeftOutFile]]:
        kept, lost = [], {}
        sizes = {name: _size(self._home / name) for name in snapshot.files}
        telling = _Telling("files", sum(sizes.values()), told)
        for name, digest in snapshot.files.items():
            try:
                kept.append(
                    writer.add(name, self._home / name, sha256_hex=digest, told=telling.add)
                )
            except SourceChangedError as error:
                lost[name] = str(error)
        return kept, self._explained(lost)

    def _explained(self, lost: dict[str, str]) -> list[LeftOutFile]:
        """Why files were left out: what the desk has removed meanwhile is no trouble."""
        named = named_files(self._database) if lost else set()
        return [
            LeftOutFile(path=name, why=why, is_trouble=True)
            if name in named
            else LeftOutFile(path=name, why="removed while the backup was made", is_trouble=False)
            for name, why in lost.items()
        ]

    def _note(self, done: CreatedBackup, actor: Actor) -> None:
        manifest = done.manifest
        with self._database.transaction() as tx:
            tx.audit.log(
                ENTITY,
                "created",
                entity_id=manifest.backup_id,
                details={
                    "file": str(done.path),
                    "bytes": done.size,
                    "files": len(manifest.files),
                    "left_out": len(manifest.left_out),
                    "revision": manifest.database.revision,
                    "last_audit_id": manifest.database.last_audit_id,
                },
                actor=actor,
                now=self._clock.now(),
            )


class _Telling:
    """Counts the bytes of one step."""

    def __init__(self, step: str, total: int, told: Progress) -> None:
        self._step, self._total, self._told = step, total, told
        self._done = 0
        told(step, 0, total)

    def add(self, size: int) -> None:
        self._done += size
        self._told(self._step, self._done, self._total)


def _target(to: Path, now: datetime) -> Path:
    """Raises BackupFailedError, before anything is asked or made."""
    path = to.absolute()
    if path.is_dir():
        path /= f"munshi-{now.astimezone(IST):%Y-%m-%d-%H%M%S}.tar"
    elif not path.parent.is_dir():
        raise BackupFailedError(f"There is no folder {path.parent}.", hint="Make it first.")
    _refuse_existing(path)
    return path


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise BackupFailedError(
            f"{path} is there already.", hint="Name another file, or move that one away."
        )


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder for what is not finished; what killed runs left of theirs goes first."""
    node = re.sub(r"\W", "-", platform.node())[:50]
    for left in folder.glob(f"{_STAGING}.*"):
        made = _STALE.fullmatch(left.name)
        if made and made["node"] == node and not psutil.pid_exists(int(made["pid"])):
            shutil.rmtree(left, ignore_errors=True)
    staging = folder / f"{_STAGING}.{node}.{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
