"""A backup is one tar file: database, keys, files of the home, and last the manifest."""

import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from munshi.domain.backups import MANIFEST, BackedUpFile, Manifest, read_manifest
from munshi.errors import BackupInvalidError

_CHUNK = 1 << 20
_MOST_MANIFEST = 1 << 30
Told = Callable[[int], None]


class SourceChangedError(Exception):
    """A file that was to be copied is gone, or is not what it should be."""


class _Source:
    """A file to be copied: hashes what is read, and says how far it is."""

    def __init__(self, source: IO[bytes], told: Told) -> None:
        self._source = source
        self._told = told
        self.hashed = sha256()

    def read(self, size: int = -1, /) -> bytes:
        try:
            chunk = self._source.read(size)
        except OSError as error:
            raise SourceChangedError(error.strerror) from error
        if len(chunk) < size:  # no more is asked for than the file had at first
            raise SourceChangedError("it became shorter")
        self.hashed.update(chunk)
        self._told(len(chunk))
        return chunk


class BackupWriter:
    """Appends files, each read once. For its owner alone; on disk when `finish` returns."""

    def __init__(self, path: Path, *, now: datetime) -> None:
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w+b")
        self._tar = tarfile.TarFile(
            fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=_CHUNK
        )
        self._stamp = int(now.timestamp())

    def add(
        self, name: str, source: Path, *, sha256_hex: str | None = None, told: Told
    ) -> BackedUpFile:
        """Append a file; with `sha256_hex`, only if that is what it holds.

        Raises SourceChangedError, and then nothing of it is in the backup; OSError where the
        backup cannot be written.
        """
        try:
            opened = source.open("rb")
        except OSError as error:
            raise SourceChangedError(error.strerror) from error
        with opened:
            size = os.fstat(opened.fileno()).st_size
            reader = _Source(opened, told)
            before = self._tar.offset
            try:
                self._append(name, size, reader)
            except SourceChangedError:
                self._go_back(before)
                raise
        digest = reader.hashed.hexdigest()
        if sha256_hex not in (None, digest):
            self._go_back(before)
            raise SourceChangedError("it is not what was stored")
        return BackedUpFile(path=name, size=size, sha256=digest)

    def add_bytes(self, name: str, content: bytes) -> BackedUpFile:
        self._append(name, len(content), BytesIO(content))
        return BackedUpFile(path=name, size=len(content), sha256=sha256(content).hexdigest())

    def finish(self, manifest: Manifest) -> int:
        """Append the manifest and put all on disk; how many bytes the backup has."""
        self.add_bytes(MANIFEST, manifest.to_bytes())
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        self._file.close()

    def _append(self, name: str, size: int, source: "_Source | BytesIO") -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, self._stamp
        self._tar.addfile(entry, source)

    def _go_back(self, offset: int) -> None:
        self._file.seek(offset)
        self._file.truncate()
        self._tar.offset = offset


class BackupReader:
    """The files of a backup by name."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self.path = path
        self._tar = tar
        self._entries = self._index()
        self.manifest = self._read_manifest()

    def strangers(self) -> list[str]:
        """Names that the manifest does not have."""
        known = {each.path for each in self.manifest.files} | {MANIFEST}
        return [name for name in self._entries if name not in known]

    def check(self, file: BackedUpFile) -> None:
        """Raises BackupInvalidError, which names the file, unless it is what the manifest says."""
        self._copy(file, None)

    def read(self, path: str) -> bytes:
        """What a small file holds. Raises BackupInvalidError."""
        content = BytesIO()
        self._copy(self.manifest.file(path), content)
        return content.getvalue()

    def extract(self, file: BackedUpFile, to: Path) -> None:
        """Put a file on disk under its name, whole or not at all, for its owner alone.

        Raises BackupInvalidError, OSError.
        """
        partial = to.with_name(f".{to.name}.part")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as target:
                self._copy(file, target)
                target.flush()
                os.fsync(target.fileno())
            partial.replace(to)
        finally:
            partial.unlink(missing_ok=True)

    def _copy(self, file: BackedUpFile, target: IO[bytes] | None) -> None:
        entry = self._entries.get(file.path)
        if entry is None:
            raise self._bad(file, "is missing")
        opened = self._tar.extractfile(entry) if entry.isreg() else None
        if opened is None or entry.size != file.size:
            raise self._bad(file, "has another size than was backed up")
        hashed = sha256()
        with opened:
            while chunk := self._next(file, opened):
                hashed.update(chunk)
                if target is not None:
                    target.write(chunk)
        if hashed.hexdigest() != file.sha256:
            raise self._bad(file, "is not what was backed up")

    def _next(self, file: BackedUpFile, opened: IO[bytes]) -> bytes:
        try:
            return opened.read(_CHUNK)
        except (tarfile.TarError, OSError):
            raise self._bad(file, "cannot be read") from None

    def _index(self) -> dict[str, tarfile.TarInfo]:
        found: dict[str, tarfile.TarInfo] = {}
        try:
            for entry in self._tar:
                if entry.name in found:
                    raise BackupInvalidError(f"{entry.name} stands twice in {self.path}.")
                found[entry.name] = entry
        except (tarfile.TarError, OSError, ValueError):
            raise self._cut_short(found) from None
        if MANIFEST not in found:
            raise self._cut_short(found)
        return found

    def _read_manifest(self) -> Manifest:
        entry = self._entries[MANIFEST]
        opened = self._tar.extractfile(entry) if entry.size < _MOST_MANIFEST else None
        if opened is None:
            raise BackupInvalidError(f"{MANIFEST} of {self.path} is damaged.")
        with opened:
            return read_manifest(opened.read())

    def _cut_short(self, found: dict[str, tarfile.TarInfo]) -> BackupInvalidError:
        last = next(reversed(found), None)
        where = f"behind {last}" if last else "at its beginning"
        return BackupInvalidError(
            f"{self.path} is no whole backup: it is cut short or damaged {where}.",
            hint="Take another copy of it, or an older backup.",
        )

    def _bad(self, file: BackedUpFile, how: str) -> BackupInvalidError:
        return BackupInvalidError(
            f"{file.path} in {self.path} {how}.",
            hint="Take another copy of the backup, or an older one.",
        )


@contextmanager
def open_backup_file(path: Path) -> Iterator[BackupReader]:
    """Raises BackupInvalidError, BackupNewerError."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupInvalidError(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        try:
            tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - closed below
        except (tarfile.TarError, OSError, ValueError):
            raise BackupInvalidError(f"{path} is no backup of Munshi's, or is damaged.") from None
        with tar:
            yield BackupReader(path, tar)
